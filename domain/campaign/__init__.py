"""The campaign: a goal with content, audience, schedule, approval and outcome."""

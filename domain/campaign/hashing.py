"""The content hash: what a person said yes to, and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from hashlib import sha256

from domain.campaign.values import Content
from domain.shared.canonical import canonical_json
from domain.workflow.graph import Graph, to_json


def content_hash(content: Content, graph: Graph) -> str:
    """SHA-256 (hex) over the canonical JSON of what would happen.

    E-mails, sender, audience conditions, schedule, workflow graph and orchestrator; neither the
    campaign's name nor the graph's version number, which change nothing that anybody receives.
    """
    workflow = to_json(graph)
    at = content.schedule_at
    covered = {
        "emails": [asdict(email) for email in content.emails],
        "sender": asdict(content.sender),
        "conditions": content.conditions,
        "schedule": {
            "at": None if at is None else at.astimezone(UTC).isoformat(),
            "timezone": content.timezone,
            "recurrence": content.recurrence,
        },
        "workflow": {"nodes": workflow["nodes"], "edges": workflow["edges"]},
        "orchestrator": content.orchestrator,
    }
    return sha256(canonical_json(covered).encode()).hexdigest()

"""Business profiles."""

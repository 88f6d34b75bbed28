"""Answers kept for repeated requests, let go when their day is over."""

from __future__ import annotations

from streams.agents.ports import WorkerTransaction

_FORGET = "DELETE FROM state.idempotency WHERE created_at < now() - interval '24 hours'"


def forget_answers(tx: WorkerTransaction) -> int:
    """Delete answers older than a day, whoever's they are; how many."""
    return tx.connection.execute(_FORGET).rowcount

"""Table `turns`: one row per turn that was understood, that is, per IntentRecognized."""

from __future__ import annotations

from typing import Final

from projections.clickhouse.rows.fields import Row, seconds
from schemas.codec import Event

TABLE: Final = "turns"
TOPIC: Final = "conversation-events"
COLUMNS: Final = (
    "position", "organization_id", "conversation_id", "turn_id", "intent", "confidence",
    "processing_ms", "occurred_at",
)  # fmt: skip


def row(event: Event) -> Row | None:
    """The turn's row, or None for an event that is no IntentRecognized."""
    if event.type != "IntentRecognized":
        return None
    data = event.data
    return (
        event.position,
        event.organization_id,
        event.stream_id,
        data["turn_id"],
        data["intent"],
        data["confidence"],
        data["processing_ms"],
        seconds(event.occurred_at),
    )


def ids(event: Event) -> tuple[str, ...]:
    """What must be a UUID, beside the ids of every event."""
    return (event.data["turn_id"],) if event.type == "IntentRecognized" else ()

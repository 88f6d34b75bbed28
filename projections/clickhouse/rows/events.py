"""Table `events`: one row per event of every topic."""

from __future__ import annotations

from typing import Final

from projections.clickhouse.rows.fields import Row, json_text, seconds
from schemas.codec import Event

TABLE: Final = "events"
COLUMNS: Final = (
    "position", "event_id", "organization_id", "topic", "type", "stream_id", "stream_version",
    "occurred_at", "correlation_id", "data",
)  # fmt: skip


def row(event: Event) -> Row:
    """The event's row. The event must have been decoded without keys: no personal data."""
    return (
        event.position,
        event.event_id,
        event.organization_id,
        event.topic,
        event.type,
        event.stream_id,
        event.version,
        seconds(event.occurred_at),
        event.correlation_id,
        json_text(event.data),
    )


def ids(event: Event) -> tuple[str, ...]:
    """What must be a UUID."""
    return event.event_id, event.organization_id, event.stream_id, event.correlation_id

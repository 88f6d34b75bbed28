"""Who, for whom, when and because of what: passed in, so that deciding needs no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class Meta:
    """The circumstances of a decision. `now` is aware, UTC."""

    organization_id: UUID
    actor: str
    correlation_id: UUID
    causation_id: UUID
    now: datetime


def event_id(stream_id: UUID, version: int) -> UUID:
    """The same event has the same id wherever and whenever it is derived."""
    return uuid5(stream_id, str(version))

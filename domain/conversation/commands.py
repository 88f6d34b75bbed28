"""What may be asked of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Recognise:
    """What a person wants, as understood. `confidence` is calibrated, 0 to 1."""

    turn_id: UUID
    intent: str
    confidence: float
    recognizer: str
    processing_ms: int
    campaign_type: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in one partition of a topic."""

    topic: str
    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a turn.

    `campaign_id` and `content_hash`, both or neither: the campaign shown with it, which is what
    a yes would approve. `positions`: what was appended with the reply. `processing_ms`: from
    receipt to reply.
    """

    turn_id: UUID
    content: str
    processing_ms: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    campaign_id: UUID | None = None
    content_hash: str | None = None
    positions: tuple[Position, ...] = ()

"""Turns: what a person said, what was understood, and the reply; several to a conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from projections.postgres.view import View, json_or, moment, text
from schemas.codec import Event


class TurnRow(NamedTuple):
    """One turn and its reply; the lower fields are empty until they are known.

    `mentions` is [{reference, is_contact}]: a stranger's address is read from the event that seals
    it, so that it is gone with its key. `positions`: what the reply appended,
    [{topic, partition, position}]; `processing_ms` from the turn's receipt to the reply.
    """

    id: str
    organization_id: str
    conversation_id: str
    number: int
    text: str
    mentions: list[dict[str, Any]]
    actor: str
    received_at: datetime
    intent: str | None
    campaign_type: str | None
    confidence: float | None
    slots: dict[str, Any] | None
    recognizer: str | None
    reply: str | None
    reply_metadata: dict[str, Any] | None
    campaign_id: str | None
    content_hash: str | None
    positions: list[dict[str, Any]] | None
    processing_ms: int | None
    replied_at: datetime | None
    position: int
    version: int


def fold(row: TurnRow | None, event: Event) -> TurnRow | None:
    """The turn after the event."""
    if row is None:
        return _received(event) if event.type == "TurnReceived" else None
    if event.position <= row.position:
        return row  # seen before
    data = event.data
    row = row._replace(position=event.position, version=event.version)
    match event.type:
        case "IntentRecognized":
            return row._replace(
                intent=data["intent"],
                campaign_type=data["campaign_type"],
                confidence=data["confidence"],
                slots=json_or(data["slots"], {}),
                recognizer=data["recognizer"],
            )
        case "ReplyGiven":
            return row._replace(
                reply=text(data["content"]),
                reply_metadata=json_or(data["metadata"], {}),
                campaign_id=data["campaign_id"],
                content_hash=data["content_hash"],
                positions=data["positions"],
                processing_ms=data["processing_ms"],
                replied_at=moment(event),
            )
    return row


def _received(event: Event) -> TurnRow:
    data = event.data
    return TurnRow(
        id=data["turn_id"],
        organization_id=event.organization_id,
        conversation_id=event.stream_id,
        number=data["number"],
        text=text(data["text"]),
        mentions=[
            {"reference": mention["reference"], "is_contact": mention["is_contact"]}
            for mention in data["mentions"]
        ],
        actor=event.actor,
        received_at=moment(event),
        intent=None,
        campaign_type=None,
        confidence=None,
        slots=None,
        recognizer=None,
        reply=None,
        reply_metadata=None,
        campaign_id=None,
        content_hash=None,
        positions=None,
        processing_ms=None,
        replied_at=None,
        position=event.position,
        version=event.version,
    )


def _key(event: Event) -> str:
    turn_id: str = event.data["turn_id"]
    return turn_id


VIEW = View(
    name="turns",
    row=TurnRow,
    events=frozenset({"TurnReceived", "IntentRecognized", "ReplyGiven"}),
    key_of=_key,
    fold=fold,
)

"""Conversations: who talks about which business, and which campaign was shown last."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from projections.postgres.view import View, json_or, moment, stream_id
from schemas.codec import Event


class ConversationRow(NamedTuple):
    """One conversation. `turns` counts what people said; a "yes" means `last_content_hash`."""

    id: str
    organization_id: str
    business_id: str
    channel: str
    turns: int
    last_campaign_id: str | None
    last_content_hash: str | None
    context: dict[str, Any]
    started_at: datetime
    last_activity: datetime
    position: int
    version: int


def fold(row: ConversationRow | None, event: Event) -> ConversationRow | None:
    """The conversation after the event."""
    if row is None:
        return _started(event) if event.type == "ConversationStarted" else None
    if event.position <= row.position:
        return row  # seen before
    data = event.data
    row = row._replace(last_activity=moment(event), position=event.position, version=event.version)
    match event.type:
        case "TurnReceived":
            return row._replace(turns=data["number"])
        case "ReplyGiven" if data["campaign_id"] is not None:
            return row._replace(
                last_campaign_id=data["campaign_id"], last_content_hash=data["content_hash"]
            )
        case "ContextRevised":
            return row._replace(context=json_or(data["context"], {}))
    return row


def _started(event: Event) -> ConversationRow:
    now = moment(event)
    return ConversationRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        business_id=event.data["business_id"],
        channel=event.data["channel"],
        turns=0,
        last_campaign_id=None,
        last_content_hash=None,
        context={},
        started_at=now,
        last_activity=now,
        position=event.position,
        version=event.version,
    )


VIEW = View(
    name="conversations",
    row=ConversationRow,
    events=frozenset(
        {
            "ConversationStarted", "TurnReceived", "IntentRecognized", "ReplyGiven",
            "ContextRevised",
        }
    ),
    key_of=stream_id,
    fold=fold,
)  # fmt: skip

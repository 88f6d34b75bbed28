"""Shapes of conversations and turns, in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from api.routers.campaigns.presenting import instant
from projections.queries.rows import Row
from schemas.positions import Positions, merge
from schemas.topics import all_topics, partition_of

TEXT_MAX: Final = 4000
_REFERENCE = re.compile(r"\[\[([0-9a-f-]{36})\]\]")


class ConversationIn(BaseModel):
    """A dialogue about one business; the organization's first one unless it is named."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{}, {"business_id": "7d0c8f0e-3f4e-4d7e-9a41-0d3f6c2b9f11"}]
        },
    )
    business_id: UUID | None = None
    channel: Literal["api", "cli"] = "api"


class MessageIn(BaseModel):
    """One thing a person says."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "Win back customers who haven't bought in 60 days with 20% off"}]
        },
    )
    text: Annotated[
        str,
        StringConstraints(
            min_length=1, max_length=TEXT_MAX, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
        ),
    ]


def show_conversation(row: Row) -> dict[str, Any]:
    """A conversation without its turns."""
    return {
        "id": row["id"],
        "business_id": row["business_id"],
        "channel": row["channel"],
        "turns_total": row["turns"],
        "started_at": instant(row["started_at"]),
        "last_activity": instant(row["last_activity"]),
    }


def show_answer(row: Row, addresses: Mapping[str, str]) -> dict[str, Any]:
    """A finished turn as the answer to what was said."""
    return {
        "turn_id": row["id"],
        "reply": {
            "type": "ai_response",
            "content": readable(row["reply"], addresses),
            "timestamp": instant(row["replied_at"]),
            "metadata": readable(row["reply_metadata"] or {}, addresses),
        },
        "campaign": {"id": row["campaign_id"], "content_hash": row["content_hash"]}
        if row["campaign_id"]
        else None,
    }


def show_turn(row: Row, addresses: Mapping[str, str]) -> dict[str, Any]:
    """A turn, both sides of it."""
    answered = row["reply"] is not None
    both = show_answer(row, addresses) if answered else {"reply": None, "campaign": None}
    return {
        "turn_id": row["id"],
        "number": row["number"],
        "status": "answered" if answered else "pending",
        "text": readable(row["text"], addresses),
        "received_at": instant(row["received_at"]),
        **both,
    }


def references(rows: Iterable[Row]) -> tuple[list[str], list[str]]:
    """What stands for addresses in these turns: the conversations that hold addresses of
    strangers, and ids of contacts."""
    strangers: set[str] = set()
    contacts: list[str] = []
    for row in rows:
        for mention in row["mentions"]:
            if mention["is_contact"]:
                contacts.append(mention["reference"])
            else:
                strangers.add(row["conversation_id"])
    return sorted(strangers), contacts


def readable(value: Any, addresses: Mapping[str, str]) -> Any:
    """The value with addresses where references to known ones stand, in all its texts."""
    match value:
        case str():
            return _REFERENCE.sub(lambda found: addresses.get(found[1], "[removed]"), value)
        case Mapping():
            return {name: readable(each, addresses) for name, each in value.items()}
        case list():
            return [readable(each, addresses) for each in value]
    return value


def positions_of_turn(row: Row) -> Positions:
    """Everything appended by a turn and its reply, as far as it got."""
    topic = "conversation-events"
    place = topic, partition_of(row["conversation_id"], all_topics()[topic].partitions)
    with_reply = {
        (each["topic"], each["partition"]): each["position"] for each in row["positions"] or ()
    }
    return merge({place: row["position"]}, with_reply)

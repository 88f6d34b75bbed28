"""Reads of conversations and their turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg import sql

from projections.postgres.views.turns import TurnRow, fold
from projections.queries.rows import (
    Conn,
    Listing,
    Page,
    Paging,
    Row,
    fetch_all,
    fetch_one,
    list_page,
)
from schemas.codec import Event

_CONVERSATIONS = Listing(
    table=sql.Identifier("views", "conversations"),
    sorts=("started_at", "last_activity"),
    default_sort="-started_at",
    filters=frozenset({"business_id", "channel"}),
)

_RECENT = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND type IN ('TurnReceived', 'IntentRecognized', 'ReplyGiven')
    ORDER BY version DESC LIMIT %s
"""
_MENTIONING = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = ANY(%s::uuid[]) AND type = 'TurnReceived' ORDER BY position
"""
Decode = Callable[[Conn, Sequence[tuple[bytes, int]]], Sequence[Event]]
"""Decodes events of the log with the keys that the connection may read."""


def get_conversation(conn: Conn, conversation_id: str) -> Row | None:
    """One conversation, its turns in order under `items`."""
    row = fetch_one(conn, "SELECT * FROM views.conversations WHERE id = %s", [conversation_id])
    if row is None:
        return None
    return {**row, "items": list_turns(conn, conversation_id)}


def list_turns(conn: Conn, conversation_id: str) -> list[Row]:
    """Turns of a conversation in order, replies in the same rows."""
    return fetch_all(
        conn,
        "SELECT * FROM views.turns WHERE conversation_id = %s ORDER BY number",
        [conversation_id],
    )


def get_turn(conn: Conn, conversation_id: str, turn_id: str) -> Row | None:
    """One turn of this conversation; `reply` is None while it is pending."""
    return fetch_one(
        conn,
        "SELECT * FROM views.turns WHERE id = %s AND conversation_id = %s",
        [turn_id, conversation_id],
    )


def recent_turn(conn: Conn, decode: Decode, conversation_id: str, turn_id: str) -> Row | None:
    """The turn as the log has it, before any view does; None if it is not one of the last 30."""
    for limit in (9, 90):  # most who ask wait for one of the last three turns
        rows = conn.execute(_RECENT, (conversation_id, limit)).fetchall()
        row: TurnRow | None = None
        for event in decode(conn, rows[::-1]):
            if event.data["turn_id"] == turn_id:
                row = fold(row, event)
        if row is not None or len(rows) < limit:
            return row._asdict() if row else None
    return None


def campaigns_shown(conn: Conn, conversation_id: str) -> list[str]:
    """Ids of the campaigns that were shown in a conversation."""
    rows = fetch_all(
        conn,
        """SELECT DISTINCT campaign_id FROM views.turns
           WHERE conversation_id = %s AND campaign_id IS NOT NULL ORDER BY campaign_id""",
        [conversation_id],
    )
    return [row["campaign_id"] for row in rows]


def addresses_of(conn: Conn, contact_ids: Sequence[str]) -> dict[str, str]:
    """Addresses of those contacts that are there, by id."""
    rows = fetch_all(
        conn,
        "SELECT id, email FROM views.contacts WHERE id = ANY(%s::uuid[]) AND NOT deleted",
        [list(contact_ids)],
    )
    return {row["id"]: row["email"] for row in rows}


def addresses_of_strangers(
    conn: Conn, decode: Decode, conversation_ids: Sequence[str]
) -> dict[str, str]:
    """Addresses typed in these conversations that were no contact's, by reference."""
    rows = conn.execute(_MENTIONING, [list(conversation_ids)]).fetchall()
    return {
        mention["reference"]: mention["address"]
        for event in decode(conn, rows)
        for mention in event.data["mentions"]
        if mention["address"]
    }


def list_conversations(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Conversations without their turns; filters: business_id, channel."""
    return list_page(conn, _CONVERSATIONS, filters, paging)

"""Reads of conversations and their turns."""

from __future__ import annotations

from psycopg import sql

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

_CONVERSATIONS = Listing(
    table=sql.Identifier("views", "conversations"),
    sorts=("started_at", "last_activity"),
    default_sort="-started_at",
    filters=frozenset({"business_id", "channel"}),
)


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


def list_conversations(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Conversations without their turns; filters: business_id, channel."""
    return list_page(conn, _CONVERSATIONS, filters, paging)

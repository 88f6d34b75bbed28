"""A whole organization, page by page: its events, and the rows of its read models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from psycopg import sql

from projections.queries.rows import Conn

EXPORTED: Final = (
    "organizations",
    "users",
    "invitations",
    "api_keys",
    "analysts",
    "businesses",
    "contacts",
    "conversations",
    "turns",
    "campaigns",
    "workflows",
    "deliveries",
    "security_events",
)
"""Read models, each with rows of one id, that say something to people."""
NOT_EXPORTED: Final[Mapping[str, str]] = {
    "campaign_counters": "sums of the deliveries",
    "postmark_connections": "credentials; the rest is in the events",
}
"""Read models that are left out, and why."""
_SECRET: Final = ["secret_hash", "address_hmac"]
_LEFT: Final = """
    SELECT count(*), coalesce(max(position), 0) FROM log.events
    WHERE organization_id = %s AND position > %s
"""
_EVENTS: Final = """
    SELECT bytes, position FROM log.events
    WHERE organization_id = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s
"""
_ROWS: Final = """
    SELECT to_jsonb(t) - %(secret)s::text[] FROM {} t
    WHERE %(last)s::uuid IS NULL OR id > %(last)s::uuid ORDER BY id LIMIT %(limit)s
"""


def events_left(conn: Conn, organization_id: str, after: int) -> tuple[int, int]:
    """How many events stand behind a position, and where the last of them does."""
    row = conn.execute(_LEFT, (organization_id, after)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def event_page(
    conn: Conn, organization_id: str, after: int, head: int, limit: int
) -> list[tuple[bytes, int]]:
    """Bytes and positions of the next events."""
    return conn.execute(_EVENTS, (organization_id, after, head, limit)).fetchall()


def row_page(conn: Conn, table: str, last: str | None, limit: int) -> list[dict[str, Any]]:
    """The next rows of a read model of the organization that the connection is bound to."""
    query = sql.SQL(_ROWS).format(sql.Identifier("views", table))
    found = conn.execute(query, {"last": last, "limit": limit, "secret": _SECRET}).fetchall()
    return [row[0] for row in found]

"""Reads of security events."""

from __future__ import annotations

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, list_page

_EVENTS = Listing(
    table=sql.Identifier("views", "security_events"),
    sorts=("position",),
    default_sort="-position",
    filters=frozenset({"kind", "subject", "actor", "what"}),
)


def list_security_events(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Security events, the newest first; filters: kind, subject, actor, what."""
    return list_page(conn, _EVENTS, filters, paging)

"""Reads of an organization's analyst logins."""

from __future__ import annotations

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

_ANALYSTS = Listing(
    table=sql.Identifier("views", "analysts"),
    sorts=("created_at", "name"),
    default_sort="created_at",
    filters=frozenset({"name"}),
)


def get_analyst(conn: Conn, analyst_id: str) -> Row | None:
    """One login."""
    return fetch_one(conn, "SELECT * FROM views.analysts WHERE id = %s", [analyst_id])


def list_analysts(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Logins, the revoked ones too; filter: name."""
    return list_page(conn, _ANALYSTS, filters, paging)

"""Reads of users and invitations."""

from __future__ import annotations

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

_USERS = Listing(
    table=sql.Identifier("views", "users"),
    sorts=("created_at", "updated_at", "name", "email", "role"),
    default_sort="created_at",
    filters=frozenset({"role", "email"}),
    narrowed="removed_at IS NULL",
)
_INVITATIONS = Listing(
    table=sql.Identifier("views", "invitations"),
    sorts=("created_at", "updated_at", "expires_at"),
    default_sort="created_at",
    filters=frozenset({"status"}),
)


def get_user(conn: Conn, user_id: str) -> Row | None:
    """One user who is still there."""
    return fetch_one(
        conn, "SELECT * FROM views.users WHERE id = %s AND removed_at IS NULL", [user_id]
    )


def list_users(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Users who are still there; filters: role, email (as given)."""
    return list_page(conn, _USERS, filters, paging)


def list_invitations(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Invitations; filter: status."""
    return list_page(conn, _INVITATIONS, filters, paging)

"""Reads of the organization, its businesses, keys and Postmark connection."""

from __future__ import annotations

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

_BUSINESSES = Listing(
    table=sql.Identifier("views", "businesses"),
    sorts=("created_at", "updated_at", "name"),
    default_sort="created_at",
    filters=frozenset({"name", "industry"}),
)
_API_KEYS = Listing(
    table=sql.Identifier("views", "api_keys"),
    sorts=("created_at",),
    default_sort="created_at",
    filters=frozenset({"prefix"}),
    columns=("id", "organization_id", "prefix", "scopes", "revoked_at", "created_at"),
)


def get_organization(conn: Conn, organization_id: str) -> Row | None:
    """The organization's row."""
    return fetch_one(conn, "SELECT * FROM views.organizations WHERE id = %s", [organization_id])


def get_business(conn: Conn, business_id: str) -> Row | None:
    """One business."""
    return fetch_one(conn, "SELECT * FROM views.businesses WHERE id = %s", [business_id])


def first_business(conn: Conn, organization_id: str) -> Row | None:
    """The oldest business: the default one of a conversation that names none."""
    return fetch_one(
        conn,
        """SELECT * FROM views.businesses WHERE organization_id = %s
           ORDER BY created_at, id LIMIT 1""",
        [organization_id],
    )


def list_businesses(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Businesses; filters: name, industry."""
    return list_page(conn, _BUSINESSES, filters, paging)


def get_api_key(conn: Conn, key_id: str) -> Row | None:
    """One key: id, organization_id, prefix, scopes, revoked_at, created_at; never its hash."""
    return fetch_one(
        conn,
        """SELECT id, organization_id, prefix, scopes, revoked_at, created_at
           FROM views.api_keys WHERE id = %s""",
        [key_id],
    )


def list_api_keys(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Keys without their hashes; filter: prefix."""
    return list_page(conn, _API_KEYS, filters, paging)


def get_postmark_connection(conn: Conn, organization_id: str) -> Row | None:
    """How the organization sends; the webhook password's hash is left out."""
    return fetch_one(
        conn,
        """SELECT organization_id, broadcast_stream, transactional_stream, webhook_username,
                  handling, failure, updated_at, position, version
           FROM views.postmark_connections WHERE organization_id = %s""",
        [organization_id],
    )

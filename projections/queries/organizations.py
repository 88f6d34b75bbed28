"""Reads of the organization, its businesses, keys and Postmark connection."""

from __future__ import annotations

from datetime import date

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

_BUSINESSES = Listing(
    table=sql.Identifier("views", "businesses"),
    sorts=("created_at", "updated_at", "name"),
    default_sort="created_at",
    filters=frozenset({"name", "industry"}),
)
_USAGE = """
    SELECT (SELECT contacts FROM state.quotas WHERE organization_id = %(organization)s)
             AS contacts_limit,
           (SELECT sends_a_month FROM state.quotas WHERE organization_id = %(organization)s)
             AS sends_limit,
           coalesce((SELECT contacts FROM state.contact_counts
                     WHERE organization_id = %(organization)s),
                    (SELECT count(*) FROM log.mailable
                     WHERE organization_id = %(organization)s AND contact_id IS NOT NULL))
             AS contacts_used,
           coalesce((SELECT sends FROM state.send_counts
                     WHERE organization_id = %(organization)s AND month = %(month)s), 0)
             AS sends_used
"""
# The last use is no event; it is looked up beside the view.
_KEYS = sql.SQL(
    """(SELECT k.id, k.organization_id, k.prefix, k.scopes, k.name, k.created_at, k.created_by,
               k.ends_at, k.revoked_at, k.replaces, k.replaced_by, u.last_used_at
        FROM views.api_keys k LEFT JOIN state.api_key_uses u ON u.key_id = k.id) AS keys"""
)
_API_KEYS = Listing(
    table=_KEYS,
    sorts=("created_at",),
    default_sort="created_at",
    filters=frozenset({"prefix"}),
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
    """One key with its last use; never its hash."""
    return fetch_one(conn, sql.SQL("SELECT * FROM {} WHERE id = %s").format(_KEYS), [key_id])


def list_api_keys(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Keys without their hashes; filter: prefix."""
    return list_page(conn, _API_KEYS, filters, paging)


def get_usage(conn: Conn, organization_id: str, month: date) -> Row:
    """What is allowed (null: any number) and what is used, of contacts and of a month's sends."""
    found = fetch_one(conn, _USAGE, {"organization": organization_id, "month": month})
    return found or {}


def get_postmark_connection(conn: Conn, organization_id: str) -> Row | None:
    """How the organization sends; the webhook password's hash is left out."""
    return fetch_one(
        conn,
        """SELECT organization_id, broadcast_stream, transactional_stream, webhook_username,
                  handling, failure, updated_at, position, version
           FROM views.postmark_connections WHERE organization_id = %s""",
        [organization_id],
    )

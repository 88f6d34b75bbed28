"""Reads of contacts; deleted ones are hidden."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

_COLUMNS = (
    "id", "organization_id", "email", "first_name", "last_name", "timezone", "attributes", "tags",
    "consent_status", "consent_source", "consent_at", "suppression", "origin", "created_at",
    "updated_at", "position", "version",
)  # fmt: skip
CONTACTS = Listing(
    table=sql.Identifier("views", "contacts"),
    sorts=("created_at", "updated_at", "email"),
    default_sort="created_at",
    filters=frozenset({"first_name", "last_name", "consent_status", "suppression", "origin"}),
    narrowed="NOT deleted",
    columns=_COLUMNS,
)
_SELECT = sql.SQL("SELECT {} FROM views.contacts").format(
    sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
)


def get_contact(conn: Conn, contact_id: str) -> Row | None:
    """One contact that is not deleted."""
    query = sql.SQL("{} WHERE id = %s AND NOT deleted").format(_SELECT)
    return fetch_one(conn, query, [contact_id])


def contact_by_email(conn: Conn, organization_id: str, email: str) -> Row | None:
    """The contact with this address, whatever its case."""
    query = sql.SQL(
        "{} WHERE organization_id = %s AND lower(email) = lower(%s) AND NOT deleted LIMIT 1"
    ).format(_SELECT)
    return fetch_one(conn, query, [organization_id, email])


def list_contacts(conn: Conn, filters: dict[str, Any], paging: Paging) -> Page:
    """Contacts; filters: first_name, last_name, consent_status, suppression, origin."""
    return list_page(conn, CONTACTS, filters, paging)

"""Reads of deliveries."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

_DELIVERIES = Listing(
    table=sql.Identifier("views", "deliveries"),
    sorts=("step", "intended_at", "updated_at"),
    default_sort="step",
    filters=frozenset({"campaign_id", "state", "step", "contact_id"}),
    narrowed="kind = 'campaign'",
)


def get_delivery(conn: Conn, delivery_id: str) -> Row | None:
    """One delivery, a test send's included; its history is read from the event log."""
    return fetch_one(conn, "SELECT * FROM views.deliveries WHERE id = %s", [delivery_id])


def list_deliveries(conn: Conn, campaign_id: str, filters: dict[str, Any], paging: Paging) -> Page:
    """Deliveries of a campaign, without test sends; filters: state, step, contact_id."""
    return list_page(conn, _DELIVERIES, {**filters, "campaign_id": campaign_id}, paging)

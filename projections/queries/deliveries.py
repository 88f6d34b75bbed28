"""Reads of deliveries."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from projections.queries.rows import Conn, Listing, Page, Paging, Row, fetch_one, list_page

# That a claimed delivery was handed over is no event: the ledger's batch knows.
_SHOWN = sql.SQL(
    """(SELECT d.id, d.organization_id, d.campaign_id, d.step, d.contact_id, d.kind,
            CASE WHEN d.state = 'claimed' AND b.handed_over_at IS NOT NULL THEN 'handed_over'
                 ELSE d.state END AS state,
            d.withheld_reason, d.message_id, d.mailbox_provider, d.opened, d.clicked,
            d.opened_by_machine, d.clicked_by_machine,
            d.unsubscribed, d.intended_at, d.updated_at, d.position, d.version
        FROM views.deliveries d
        LEFT JOIN state.sends s ON s.delivery_id = d.id AND d.state = 'claimed'
        LEFT JOIN state.send_batches b ON b.batch_id = s.batch_id) AS shown"""
)
DELIVERIES = Listing(
    table=_SHOWN,
    sorts=("step", "intended_at", "updated_at"),
    default_sort="step",
    filters=frozenset({"campaign_id", "state", "step", "contact_id"}),
    narrowed="kind = 'campaign'",
)

# What nobody here knows the fate of is read from the ledger, which is never behind.
_DOUBTFUL = sql.SQL(
    """(SELECT s.delivery_id AS id, s.organization_id, s.campaign_id, s.step, s.contact_id, s.kind,
            s.state, s.batch_id, s.attempt, b.claimed_at, b.handed_over_at, b.lookups,
            CASE WHEN s.state = 'ambiguous' THEN b.resolve_at END AS next_lookup_at
        FROM state.sends s JOIN state.send_batches b ON b.batch_id = s.batch_id
        WHERE s.batch_id IS NOT NULL AND s.state IN ('ambiguous', 'held')) AS doubtful"""
)
_IN_DOUBT = Listing(
    table=_DOUBTFUL,
    sorts=("claimed_at",),
    default_sort="claimed_at",
    filters=frozenset({"campaign_id", "state"}),
)


def list_in_doubt(conn: Conn, filters: dict[str, Any], paging: Paging) -> Page:
    """Deliveries of which only the provider knows, and those that wait for a person.

    Filters: campaign_id, state (ambiguous or held). Test sends are shown too.
    """
    return list_page(conn, _IN_DOUBT, filters, paging)


def get_delivery(conn: Conn, delivery_id: str) -> Row | None:
    """One delivery, a test send's included; its history is read from the event log."""
    query = sql.SQL("SELECT * FROM {} WHERE id = %s").format(_SHOWN)
    return fetch_one(conn, query, [delivery_id])


def list_deliveries(conn: Conn, campaign_id: str, filters: dict[str, Any], paging: Paging) -> Page:
    """Deliveries of a campaign, without test sends; filters: state, step, contact_id."""
    return list_page(conn, DELIVERIES, {**filters, "campaign_id": campaign_id}, paging)

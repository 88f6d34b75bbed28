"""Reads of campaigns, their workflows and their metrics."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from projections.postgres.counters import METRICS
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

_CAMPAIGNS = Listing(
    table=sql.Identifier("views", "campaigns"),
    sorts=("created_at", "updated_at", "name", "status"),
    default_sort="-created_at",
    filters=frozenset({"status", "type", "business_id", "conversation_id", "orchestrator", "name"}),
)
_SUMS: Final = sql.SQL(", ").join(
    sql.SQL("coalesce(sum({0}), 0)::bigint AS {0}").format(sql.Identifier(name)) for name in METRICS
)
_NAMES: Final = sql.SQL(", ").join(map(sql.Identifier, METRICS))


def get_campaign(conn: Conn, campaign_id: str) -> Row | None:
    """One campaign; its metrics and workflow are read apart."""
    return fetch_one(conn, "SELECT * FROM views.campaigns WHERE id = %s", [campaign_id])


def list_campaigns(conn: Conn, filters: dict[str, str | None], paging: Paging) -> Page:
    """Campaigns; filters: status, type, business_id, conversation_id, orchestrator, name."""
    return list_page(conn, _CAMPAIGNS, filters, paging)


def metrics(conn: Conn, campaign_id: str) -> dict[str, int]:
    """Sums over all steps; zeros for a campaign that has sent nothing."""
    query = sql.SQL("SELECT {} FROM views.campaign_counters WHERE campaign_id = %s").format(_SUMS)
    return fetch_all(conn, query, [campaign_id])[0]


def metrics_of(conn: Conn, campaign_ids: list[str]) -> dict[str, dict[str, int]]:
    """Sums by campaign for a whole page; every campaign asked for has an entry."""
    query = sql.SQL(
        """SELECT campaign_id, {} FROM views.campaign_counters
           WHERE campaign_id = ANY(%s::uuid[]) GROUP BY campaign_id"""
    ).format(_SUMS)
    found = {row.pop("campaign_id"): row for row in fetch_all(conn, query, [campaign_ids])}
    return {each: found.get(each) or dict.fromkeys(METRICS, 0) for each in campaign_ids}


def metrics_by_step(conn: Conn, campaign_id: str) -> list[Row]:
    """`step` and its metrics, in order; steps that have sent nothing are left out."""
    query = sql.SQL(
        "SELECT step, {} FROM views.campaign_counters WHERE campaign_id = %s ORDER BY step"
    ).format(_NAMES)
    return fetch_all(conn, query, [campaign_id])


def get_workflow(conn: Conn, workflow_id: str) -> Row | None:
    """One workflow: graph, run and steps."""
    return fetch_one(conn, "SELECT * FROM views.workflows WHERE id = %s", [workflow_id])


def get_workflows(conn: Conn, workflow_ids: list[str]) -> dict[str, Row]:
    """Workflows by id; those that are not there are left out."""
    rows = fetch_all(
        conn, "SELECT * FROM views.workflows WHERE id = ANY(%s::uuid[])", [workflow_ids]
    )
    return {row["id"]: row for row in rows}


def workflow_of(conn: Conn, campaign_id: str) -> Row | None:
    """The workflow that carries this campaign out."""
    return fetch_one(
        conn,
        """SELECT w.* FROM views.workflows w JOIN views.campaigns c ON c.workflow_id = w.id
           WHERE c.id = %s""",
        [campaign_id],
    )

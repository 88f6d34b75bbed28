"""Rows of one organization in every table, small, and recognisable when they leak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from clickhouse_connect.driver.client import Client

ALONE: Final = "alone"
"""The database with the rows of one organization only."""
_START: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Rows = dict[str, tuple[Sequence[str], list[list[Any]]]]
"""Table -> (columns, rows)."""


def rows_of(organization: UUID, first: int, data: str) -> Rows:
    """Six events, four turns and twelve events of deliveries; `data` is the text of events."""

    def made(name: str, number: int) -> UUID:
        return uuid5(organization, f"{name} {number}")

    def at(number: int) -> datetime:
        return _START + timedelta(hours=number)

    events = [
        [first + n, made("event", n), organization, "campaign-events",
         ("ReplyGiven", "CampaignDrafted")[n % 2], made("stream", n % 3), n + 1, at(n),
         made("correlation", n), data]
        for n in range(6)
    ]  # fmt: skip
    turns = [
        [first + 20 + n, organization, made("conversation", n % 2), made("turn", n),
         ("create_campaign", "help")[n % 2], 0.5 + n / 10, 100 * n, at(n)]
        for n in range(4)
    ]  # fmt: skip
    kinds = ("intended", "claimed", "accepted", "opened")
    deliveries = [
        [first + 40 + n, made("delivered", n), organization, made("campaign", 0),
         made("delivery", n // 4), n // 4 + 1, made("contact", n // 4), kinds[n % 4], "",
         "gmail" if n % 4 else "", at(n), "webmail" if n % 4 == 3 else "", at(n)]
        for n in range(12)
    ]  # fmt: skip
    return {
        "events": (
            ("position", "event_id", "organization_id", "topic", "type", "stream_id",
             "stream_version", "occurred_at", "correlation_id", "data"),
            events,
        ),
        "turns": (
            ("position", "organization_id", "conversation_id", "turn_id", "intent", "confidence",
             "processing_ms", "occurred_at"),
            turns,
        ),
        "deliveries": (
            ("position", "event_id", "organization_id", "campaign_id", "delivery_id", "step",
             "contact_id", "event", "reason", "mailbox_provider", "occurred_at", "agent",
             "observed_at"),
            deliveries,
        ),
    }  # fmt: skip


def insert(client: Client, rows: Rows) -> None:
    """Into the client's database, and as one part, so that neighbours share a block."""
    for table, (columns, values) in rows.items():
        client.insert(table, values, column_names=list(columns))
        client.command(f"OPTIMIZE TABLE {table} FINAL")

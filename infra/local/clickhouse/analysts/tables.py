"""What analysts find: the contract's tables and views, column by column.

A column that a migration adds is invisible to analysts until it is listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlglot
from sqlglot import exp

from infra.local.clickhouse.analysts.dialect import Analyst
from projections.clickhouse.connect import DATABASE
from projections.clickhouse.migrate import FOLDER, statements

ORGANIZATION: Final = "organization_id"
_TIME: Final = "DateTime64(6, 'UTC')"
_WORD: Final = "LowCardinality(String)"
_METRICS: Final = (
    "intended", "withheld", "accepted", "refused", "ambiguous", "held", "delivered", "opened",
    "opened_unique", "clicked", "clicked_unique", "bounced", "complained", "unsubscribed",
    "opened_by_machine", "opened_unique_by_people", "clicked_by_machine",
    "clicked_unique_by_people",
)  # fmt: skip

STORED: Final[Mapping[str, Mapping[str, str]]] = {
    "events": {
        "position": "UInt64",
        "event_id": "UUID",
        ORGANIZATION: "UUID",
        "topic": _WORD,
        "type": _WORD,
        "stream_id": "UUID",
        "stream_version": "UInt32",
        "occurred_at": _TIME,
        "correlation_id": "UUID",
        "data": "String",
    },
    "turns": {
        "position": "UInt64",
        ORGANIZATION: "UUID",
        "conversation_id": "UUID",
        "turn_id": "UUID",
        "intent": _WORD,
        "confidence": "Float64",
        "processing_ms": "Int32",
        "occurred_at": _TIME,
    },
    "deliveries": {
        "position": "UInt64",
        "event_id": "UUID",
        ORGANIZATION: "UUID",
        "campaign_id": "UUID",
        "delivery_id": "UUID",
        "step": "Int32",
        "contact_id": "UUID",
        "event": _WORD,
        "reason": _WORD,
        "mailbox_provider": _WORD,
        "occurred_at": _TIME,
        "agent": _WORD,
        "observed_at": _TIME,
    },
}
"""Tables with an organization in every row: each reading of them is filtered."""

VIEWS: Final[Mapping[str, Mapping[str, str]]] = {
    "delivery_states": {
        ORGANIZATION: "UUID",
        "campaign_id": "UUID",
        "delivery_id": "UUID",
        "step": "Int32",
        "contact_id": "UUID",
        "mailbox_provider": "String",
        "sending": "String",
        "withheld_reason": "String",
        **dict.fromkeys(("accepted", "refused", "delivered"), "UInt8"),
        **dict.fromkeys(("opened", "clicked"), "UInt64"),
        **dict.fromkeys(("bounced", "complained", "unsubscribed"), "UInt8"),
        "state": "String",
        "intended_at": _TIME,
        **dict.fromkeys(("opened_by_machine", "clicked_by_machine"), "UInt64"),
    },
    "campaign_metrics": {
        ORGANIZATION: "UUID",
        "campaign_id": "UUID",
        "step": "Int32",
        **dict.fromkeys(_METRICS, "UInt64"),
    },
    "reply_times": {
        "position": "UInt64",
        ORGANIZATION: "UUID",
        "conversation_id": "UUID",
        "turn_id": "UUID",
        "reply_ms": "Int64",
        "occurred_at": _TIME,
    },
    "progress": {
        "topic": _WORD,
        "partition": "Int32",
        "position": "UInt64",
        "at": "DateTime64(3, 'UTC')",
    },
}
"""Views: their definitions are put in their place, so that the filter stands at every table."""

TABLES: Final[Mapping[str, Mapping[str, str]]] = {**STORED, **VIEWS}
OPEN: Final = frozenset({"progress_reports"})
"""Tables without an organization that a view of ours reads; not for analysts by name."""


def definition(view: str) -> exp.Query:
    """The newest definition of a view, read from the migrations."""
    newest: exp.Query | None = None
    for path in sorted(FOLDER.glob("*.sql")):
        for statement in statements(path.read_text()):
            if f"CREATE OR REPLACE VIEW {view} AS" in statement:
                made = sqlglot.parse_one(statement, dialect=Analyst)
                newest = made.args["expression"]
    if newest is None:
        raise LookupError(view)
    return newest


def listed() -> str:
    """The tables for a message."""
    return ", ".join(sorted(f"{DATABASE}.{name}" for name in TABLES))

"""What the API's analytics endpoints ask ClickHouse. Values are bound on the server's side."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.codec import to_micros

METRICS: Final = (
    "intended", "withheld", "accepted", "refused", "ambiguous", "held", "delivered",
    "opened", "opened_unique", "clicked", "clicked_unique", "bounced", "complained", "unsubscribed",
    "opened_by_machine", "opened_unique_by_people", "clicked_by_machine",
    "clicked_unique_by_people",
)  # fmt: skip

Numbers = dict[str, int]

_SUMS = ", ".join(f"sum(m.{name}) AS {name}" for name in METRICS)
_CAMPAIGN = f"""
SELECT step, {_SUMS} FROM campaign_metrics AS m
WHERE organization_id = {{organization_id:UUID}} AND campaign_id = {{campaign_id:UUID}}
GROUP BY step ORDER BY step
"""  # noqa: S608 - names from the closed list above
_WITHHELD = """
SELECT withheld_reason, count() FROM delivery_states
WHERE organization_id = {organization_id:UUID} AND campaign_id = {campaign_id:UUID}
  AND state = 'withheld'
GROUP BY withheld_reason ORDER BY withheld_reason
"""

# The report counts what happened in the period, event by event: [from, to).
_PERIOD = """
organization_id = {organization_id:UUID}
  AND occurred_at >= fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')
  AND occurred_at < fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')
"""
EVENTS: Final = (
    "intended", "withheld", "accepted", "refused", "delivered", "opened", "clicked",
    "bounced", "complained", "unsubscribed",
)  # fmt: skip
_COUNTS = ", ".join(f"countIf(event = '{name}') AS {name}" for name in EVENTS)
_UNIQUE = """,
uniqExactIf(delivery_id, event = 'opened') AS opened_unique,
uniqExactIf(delivery_id, event = 'clicked') AS clicked_unique
"""
_COLUMNS: Final = (*EVENTS, "opened_unique", "clicked_unique")
_INTENTS = f"""
SELECT intent, count(), avg(confidence) FROM turns WHERE {_PERIOD}
GROUP BY intent ORDER BY count() DESC, intent
"""  # noqa: S608 - constants only
_REPLY_TIMES = f"""
SELECT count(), quantilesExact(0.5, 0.95, 0.99)(reply_ms) FROM reply_times WHERE {_PERIOD}
"""  # noqa: S608 - constants only


def campaign_metrics(client: Client, organization_id: str, campaign_id: str) -> dict[str, Any]:
    """The contract's `metrics` of a campaign, the same by step, and withheld by reason.

    All zero for a campaign of which no delivery is known here. Raises clickhouse-connect's
    OperationalError when ClickHouse is away.
    """
    ids = {"organization_id": organization_id, "campaign_id": campaign_id}
    rows = client.query(_CAMPAIGN, parameters=ids).result_rows
    steps = [{"step": row[0], **dict(zip(METRICS, row[1:], strict=True))} for row in rows]
    withheld = client.query(_WITHHELD, parameters=ids).result_rows
    return {
        "campaign_id": campaign_id,
        "metrics": {name: sum(step[name] for step in steps) for name in METRICS},
        "steps": steps,
        "withheld_reasons": {str(row[0]): int(row[1]) for row in withheld},
    }


def report(client: Client, organization_id: str, start: datetime, end: datetime) -> dict[str, Any]:
    """What happened from `start` until before `end` (aware): counts of events.

    `totals`, `days` (UTC), `campaigns` and `mailbox_providers` count delivery events, `intents`
    the turns understood, `reply_ms` the time to reply. Provider '' is a delivery not yet claimed.
    """
    period = {
        "organization_id": organization_id,
        "from_us": to_micros(start),
        "to_us": to_micros(end),
    }
    replies, quantiles = client.query(_REPLY_TIMES, parameters=period).result_rows[0]
    p50, p95, p99 = quantiles if replies else (None, None, None)
    return {
        "from": start,
        "to": end,
        "totals": _counted(client, "", period)[0],
        "days": _counted(client, "toDate(occurred_at)", period, "day"),
        "campaigns": _counted(client, "toString(campaign_id)", period, "campaign_id"),
        "mailbox_providers": _counted(client, "mailbox_provider", period, "mailbox_provider"),
        "intents": [
            {"intent": intent, "turns": turns, "confidence": round(confidence, 4)}
            for intent, turns, confidence in client.query(_INTENTS, parameters=period).result_rows
        ],
        "replies": {"count": replies, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99},
    }


def _counted(
    client: Client, key: str, period: dict[str, Any], name: str = ""
) -> list[dict[str, Any]]:
    """Counts of delivery events, by the SQL expression `key` when there is one."""
    select = f"{key} AS key, {_COUNTS}{_UNIQUE}" if key else f"{_COUNTS}{_UNIQUE}"
    grouping = "GROUP BY key ORDER BY key" if key else ""
    sql = f"SELECT {select} FROM deliveries WHERE {_PERIOD} {grouping}"  # noqa: S608 - constants
    rows = client.query(sql, parameters=period).result_rows
    if not key:
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    return [{name: row[0], **dict(zip(_COLUMNS, row[1:], strict=True))} for row in rows]

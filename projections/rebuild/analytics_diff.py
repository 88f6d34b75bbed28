"""ClickHouse: live table and shadow compared by counts and hashes of each day, then row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clickhouse_connect.driver.client import Client

from projections.rebuild.analytics_fill import AnalyticsTable
from projections.rebuild.diff import RowDifference, TableDiff


@dataclass(frozen=True, slots=True)
class DayDiff:
    """A day whose rows are not the same: how many there are on each side."""

    day: date
    live: int
    shadow: int


_DAYS = """
SELECT toDate(occurred_at) AS day, count(), sum(cityHash64(*)) FROM {table}
WHERE position <= {upto} GROUP BY day
"""
_POSITIONS = """
SELECT position, countIf(side = 0) AS live, countIf(side = 1) AS shadow,
       sumIf(hash, side = 0) AS live_hash, sumIf(hash, side = 1) AS shadow_hash
FROM (
  SELECT position, cityHash64(*) AS hash, 0 AS side FROM {table}
  WHERE position <= {upto} AND toDate(occurred_at) IN ({days})
  UNION ALL
  SELECT position, cityHash64(*) AS hash, 1 AS side FROM {shadow}
  WHERE position <= {upto} AND toDate(occurred_at) IN ({days})
) AS both
GROUP BY position HAVING live != shadow OR live_hash != shadow_hash
"""


def compare(
    client: Client, table: AnalyticsTable, name: str, upto: int, limit: int = 20
) -> tuple[TableDiff, list[DayDiff]]:
    """Compare rows up to a position; at most `limit` of the differing ones shown."""
    days = _days(client, table, upto)
    found = _differing(client, table, upto, [each.day for each in days]) if days else []
    missing = sum(live == 0 for _, live, _ in found)
    extra = sum(shadow == 0 for _, _, shadow in found)
    examples = [
        example
        for position, _, _ in sorted(found)[:limit]
        for example in _examples(client, table, name, position)
    ]
    rows = client.query(f"SELECT count() FROM {table.name}").result_rows[0][0]  # noqa: S608
    different = len(found) - missing - extra
    return TableDiff(name, rows, missing, extra, different, 0, examples), days


def _days(client: Client, table: AnalyticsTable, upto: int) -> list[DayDiff]:
    sides = [
        {
            day: (rows, hashed)
            for day, rows, hashed in client.query(_DAYS.format(table=each, upto=upto)).result_rows
        }
        for each in (table.name, table.shadow)
    ]
    live, shadow = sides
    nothing = (0, 0)
    return [
        DayDiff(day, live.get(day, nothing)[0], shadow.get(day, nothing)[0])
        for day in sorted(live.keys() | shadow.keys())
        if live.get(day) != shadow.get(day)
    ]


def _differing(
    client: Client, table: AnalyticsTable, upto: int, days: Sequence[date]
) -> list[tuple[int, int, int]]:
    query = _POSITIONS.format(
        table=table.name,
        shadow=table.shadow,
        upto=upto,
        days=", ".join(f"toDate('{day}')" for day in days),
    )
    return [tuple(row[:3]) for row in client.query(query).result_rows]


def _examples(
    client: Client, table: AnalyticsTable, name: str, position: int
) -> list[RowDifference]:
    live, shadow = (_rows(client, table, each, position) for each in (table.name, table.shadow))
    if len(live) > 1 or len(shadow) > 1:
        times = f"{position} ({len(live)} times, not {len(shadow)})"
        return [RowDifference(name, times, _first(live), _first(shadow), ())]
    one, two = _first(live), _first(shadow)
    columns = tuple(c for c in table.columns if one is None or two is None or one[c] != two[c])
    return [RowDifference(name, str(position), one, two, columns)]


def _rows(client: Client, table: AnalyticsTable, name: str, position: int) -> list[dict[str, Any]]:
    columns = ", ".join(table.columns)
    query = f"SELECT {columns} FROM {name} WHERE position = {position}"  # noqa: S608
    return [
        {column: _plain(value) for column, value in zip(table.columns, row, strict=True)}
        for row in client.query(query).result_rows
    ]


def _first(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return rows[0] if rows else None


def _plain(value: Any) -> Any:
    return str(value) if not isinstance(value, int | float) else value

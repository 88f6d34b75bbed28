"""Every table of ClickHouse, searched where it lies: only what looks like an address comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from clickhouse_connect.driver.client import Client

from infra.erasure.needles import Needles
from infra.erasure.stores.trace import Trace

_TABLES: Final = """
    SELECT database, name FROM system.tables
    WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema')
      AND (engine LIKE '%MergeTree' OR engine LIKE '%Log')
    ORDER BY 1, 2
"""
_CANDIDATES: Final = """
    SELECT DISTINCT arrayJoin(extractAll(formatRow('JSONEachRow', *), {pattern:String}))
    FROM {table}
"""
_PATTERN: Final = r"[^\s\"<>,;:()\\\[\]]{1,64}(?:@|%40)[^\s\"<>,;:()\\\[\]]{3,255}"
_MATCHING: Final = (
    "SELECT count() FROM {table} WHERE match(formatRow('JSONEachRow', *), {pattern:String})"
)


def tables(client: Client) -> list[tuple[str, str]]:
    """Database and name of every table that stores rows."""
    return [(row[0], row[1]) for row in client.query(_TABLES).result_rows]


def in_table(client: Client, database: str, table: str, needles: Needles) -> Iterator[Trace]:
    """One table, all columns of all rows."""
    store, quoted = f"clickhouse:{database}.{table}", f"`{database}`.`{table}`"
    query = _CANDIDATES.replace("{table}", quoted)
    for (candidate,) in client.query(query, parameters={"pattern": _PATTERN}).result_rows:
        if needles.in_text(candidate, names=False):
            rows = _count(client, quoted, re.escape(candidate))
            yield Trace(store, f"{rows} rows", "address")
    for kind, pattern in needles.patterns():
        if rows := _count(client, quoted, pattern):
            yield Trace(store, f"{rows} rows", kind)


def _count(client: Client, quoted: str, pattern: str) -> int:
    query = _MATCHING.replace("{table}", quoted)
    return int(client.query(query, parameters={"pattern": pattern}).result_rows[0][0])

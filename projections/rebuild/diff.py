"""Live table and shadow compared row by row in Postgres; the differing ones explained.

Rows are joined by key and compared as their hashes, so a million of them take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from projections.postgres.view import View
from projections.postgres.writer import tables_of

Conn = psycopg.Connection[Any]

_COUNTERS_KEY = ("campaign_id", "step")


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row that is not the same on both sides; None where it is missing.

    `columns` are those that differ, in the table's order. `live_position` and `shadow_position`
    are of the last event folded into each.
    """

    table: str
    key: str
    live: dict[str, Any] | None
    shadow: dict[str, Any] | None
    columns: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`missing` in the live table, `extra` there, or `different`."""
        if self.live is None:
            return "missing"
        return "extra" if self.shadow is None else "different"


@dataclass(frozen=True, slots=True)
class TableDiff:
    """One table compared. `later` are live rows that went on beyond the position compared at."""

    table: str
    rows: int
    missing: int
    extra: int
    different: int
    later: int
    examples: list[RowDifference] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether every row compared is the same."""
        return not (self.missing or self.extra or self.different)


def compare(conn: Conn, view: View[Any], *, as_of: int | None, limit: int = 20) -> list[TableDiff]:
    """Compare the tables of a view at one instant; at most `limit` differing rows of each shown.

    With `as_of` rows that the live table has taken further are left out, and counters, which know
    no position, too. The connection must be in autocommit.
    """
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute("SET LOCAL work_mem = '256MB'")
        conn.execute("SET LOCAL jit = off")
        tables = tables_of(view.name)
        keys = {view.name: (view.key,)}
        return [
            _compare(conn, table, keys.get(table, _COUNTERS_KEY), as_of, limit)
            for table in (tables if as_of is None else tables[:1])
        ]


_COMPARE = """
CREATE TEMPORARY TABLE differing ON COMMIT DROP AS
SELECT {keys}, l.h AS live, s.h AS shadow, l.position AS at
FROM (SELECT {keys}, {position} AS position, hashtextextended(t::text, 0) AS h
      FROM views.{table} AS t) AS l
FULL JOIN (SELECT {keys}, hashtextextended(t::text, 0) AS h FROM shadow.{table} AS t) AS s
  USING ({keys})
WHERE l.h IS DISTINCT FROM s.h
"""
_COUNT = """
SELECT count(*) FILTER (WHERE live IS NULL), count(*) FILTER (WHERE shadow IS NULL AND NOT later),
       count(*) FILTER (WHERE live IS NOT NULL AND shadow IS NOT NULL AND NOT later),
       count(*) FILTER (WHERE later)
FROM (SELECT *, coalesce(at > %(as_of)s, false) AS later FROM differing) AS d
"""
_SHOW = """
SELECT {keys} FROM differing WHERE NOT coalesce(at > %(as_of)s, false)
ORDER BY {keys} LIMIT %(limit)s
"""
_ROW = "SELECT * FROM {schema}.{table} WHERE ({keys}) = ({values})"


def _compare(
    conn: Conn, table: str, keys: Sequence[str], as_of: int | None, limit: int
) -> TableDiff:
    names = {
        "table": sql.Identifier(table),
        "keys": sql.SQL(", ").join(map(sql.Identifier, keys)),
        "position": sql.SQL("NULL::bigint" if keys == _COUNTERS_KEY else "position"),
    }
    values = {"as_of": as_of, "limit": limit}
    conn.execute("DROP TABLE IF EXISTS differing")
    conn.execute(sql.SQL(_COMPARE).format(**names))
    missing, extra, different, later = conn.execute(_COUNT, values).fetchone() or (0, 0, 0, 0)
    total = conn.execute(sql.SQL("SELECT count(*) FROM views.{table}").format(**names)).fetchone()
    shown = conn.execute(sql.SQL(_SHOW).format(**names), values).fetchall()
    examples = [_example(conn, table, keys, key) for key in shown]
    rows = total[0] if total else 0
    return TableDiff(table, rows, missing, extra, different, later, examples)


def _example(conn: Conn, table: str, keys: Sequence[str], key: Sequence[Any]) -> RowDifference:
    live, new = (_row(conn, schema, table, keys, key) for schema in ("views", "shadow"))
    names = (live or new or {}).keys()
    columns = tuple(n for n in names if live is None or new is None or live[n] != new[n])
    return RowDifference(table, "/".join(map(str, key)), live, new, columns)


def _row(
    conn: Conn, schema: str, table: str, keys: Sequence[str], key: Sequence[Any]
) -> dict[str, Any] | None:
    query = sql.SQL(_ROW).format(
        schema=sql.Identifier(schema),
        table=sql.Identifier(table),
        keys=sql.SQL(", ").join(map(sql.Identifier, keys)),
        values=sql.SQL(", ").join(sql.Placeholder() * len(keys)),
    )
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, list(key)).fetchone()

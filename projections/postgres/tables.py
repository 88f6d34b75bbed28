"""Sets of rows in and out of one view's table, few statements whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import psycopg

from projections.postgres.view import View

SMALL = 64
"""So many rows at most are stored by one plain statement: below that its round trips are what a
COPY costs."""


class TableMismatchError(Exception):
    """A view's row and its table do not have the same columns: a migration is missing."""


class Table:
    """Loads and stores the rows of one view.

    Many rows go through COPY into a temporary table of the connection, then one INSERT: for
    thousands that took two thirds of the time of an INSERT from one array per column. A few go
    by an INSERT of their own, which can share a round trip with other statements.
    """

    def __init__(self, view: View[Any], types: Mapping[str, str], schema: str = "views") -> None:
        """`schema` is `shadow` for the table of a view that is being rebuilt."""
        fields: tuple[str, ...] = view.row._fields
        table = f"{schema}.{view.name}"
        if set(fields) != set(types):
            raise TableMismatchError(f"{table}: {sorted(set(fields) ^ set(types))}")
        self._make: Callable[[Iterable[Any]], Any] = view.row._make
        self._key = fields.index(view.key)
        self._documents = [place for place, n in enumerate(fields) if types[n] == "jsonb"]
        columns = ", ".join(fields)
        selected = ", ".join(f"{n}::text" if types[n] == "uuid" else n for n in fields)
        changed = ", ".join(f"{n} = EXCLUDED.{n}" for n in fields if n != view.key)
        # Names come from our own rows and the catalogue, values never.
        self._select = f"SELECT {selected} FROM {table} WHERE {view.key} = ANY(%s::uuid[])"  # noqa: S608
        staged = f"staged_{schema}_{view.name}"
        self._stage = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {staged} (LIKE {table}) ON COMMIT DELETE ROWS"
        )
        self._copy = f"COPY {staged} ({columns}) FROM STDIN"
        self._copy_new = f"COPY {table} ({columns}) FROM STDIN"
        insert = f"INSERT INTO {table} ({columns}) "
        replace = f" ON CONFLICT ({view.key}) DO UPDATE SET {changed}"
        self._merge = f"{insert}SELECT {columns} FROM {staged}{replace}"  # noqa: S608
        self._insert = insert + "VALUES " + "{}" + replace
        self._one = "(" + ", ".join(f"%s::{types[n]}" for n in fields) + ")"

    def load(self, conn: psycopg.Connection[Any], keys: Iterable[str]) -> dict[str, Any]:
        """Rows of those keys that have one."""
        with conn.cursor(binary=True) as cursor:
            cursor.execute(self._select, ("{" + ",".join(keys) + "}",))
            rows = cursor.fetchall()
        key, make = self._key, self._make
        return {row[key]: make(row) for row in rows}

    def store(self, conn: psycopg.Connection[Any], rows: Sequence[Any]) -> None:
        """Insert or replace the rows, at most once in a transaction; no key twice."""
        if len(rows) <= SMALL:
            values = [value for row in rows for value in self._adapted(row)]
            conn.execute(self._insert.format(", ".join([self._one] * len(rows))), values)
            return
        with conn.cursor() as cursor:
            cursor.execute(self._stage)
            self._write(cursor, self._copy, rows)
            cursor.execute(self._merge)

    def add(self, conn: psycopg.Connection[Any], rows: Iterable[Any]) -> None:
        """Insert rows that are not there, straight into a table without row-level security."""
        with conn.cursor() as cursor:
            self._write(cursor, self._copy_new, rows)

    def _write(self, cursor: psycopg.Cursor[Any], statement: str, rows: Iterable[Any]) -> None:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(self._adapted(row) if self._documents else row)

    def _adapted(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place in self._documents:
            if values[place] is not None:
                values[place] = orjson.dumps(values[place]).decode()
        return values


def open_tables(
    conn: psycopg.Connection[Any], views: Iterable[View[Any]], schema: str = "views"
) -> dict[str, Table]:
    """Tables by view name, their column types read from the catalogue; a shadow has its view's.

    Raises TableMismatchError when a view's row is not what its table holds.
    """
    types: dict[str, dict[str, str]] = {}
    rows = conn.execute(
        """SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
           WHERE c.relnamespace = 'views'::regnamespace AND c.relkind = 'r'
             AND a.attnum > 0 AND NOT a.attisdropped"""
    )
    for table, column, kind in rows:
        types.setdefault(table, {})[column] = kind
    return {view.name: Table(view, types.get(view.name, {}), schema) for view in views}


def alike(conn: psycopg.Connection[Any], tables: Iterable[str]) -> bool:
    """Whether the shadows of these tables have the live ones' columns. A migration changes the
    live ones only."""
    row = conn.execute(
        """SELECT NOT EXISTS (
             SELECT 1 FROM (SELECT c.relname, a.attname, a.atttypid, a.attnotnull
                            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                            WHERE c.relnamespace = 'views'::regnamespace AND a.attnum > 0
                              AND NOT a.attisdropped AND c.relname = ANY(%(tables)s)) AS l
             FULL JOIN (SELECT c.relname, a.attname, a.atttypid, a.attnotnull
                        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                        WHERE c.relnamespace = 'shadow'::regnamespace AND a.attnum > 0
                          AND NOT a.attisdropped AND c.relname = ANY(%(tables)s)) AS s
               USING (relname, attname, atttypid, attnotnull)
             WHERE l.* IS NULL OR s.* IS NULL)""",
        {"tables": list(tables)},
    ).fetchone()
    return row == (True,)

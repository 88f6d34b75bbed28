"""Sets of rows in and out of one view's table, a statement each, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import psycopg

from projections.postgres.view import View


class TableMismatchError(Exception):
    """A view's row and its table do not have the same columns: a migration is missing."""


class Table:
    """Loads and stores the rows of one view.

    Rows cross as one array per column, written as Postgres array literals by hand: for thousands
    of rows that is several times faster than adapting each value, and plans once.
    """

    def __init__(self, view: View[Any], types: Mapping[str, str]) -> None:
        fields: tuple[str, ...] = view.row._fields
        if set(fields) != set(types):
            raise TableMismatchError(f"views.{view.name}: {sorted(set(fields) ^ set(types))}")
        self._make: Callable[[Iterable[Any]], Any] = view.row._make
        self._key = fields.index(view.key)
        self._encode = [_ENCODERS.get(types[name], _plain) for name in fields]
        selected = [f"{n}::text" if types[n] == "uuid" else n for n in fields]
        self._select = (
            f"SELECT {', '.join(selected)} FROM views.{view.name} "  # noqa: S608 - our own names
            f"WHERE {view.key} = ANY(%s::uuid[])"
        )
        self._upsert = _upsert(view.name, view.key, fields, types)

    def load(self, conn: psycopg.Connection[Any], keys: Iterable[str]) -> dict[str, Any]:
        """Rows of those keys that have one."""
        with conn.cursor(binary=True) as cursor:
            cursor.execute(self._select, ("{" + ",".join(keys) + "}",))
            rows = cursor.fetchall()
        key, make = self._key, self._make
        return {row[key]: make(row) for row in rows}

    def store(self, conn: psycopg.Connection[Any], rows: Sequence[Any]) -> None:
        """Insert or replace the rows."""
        if rows:
            ordered = sorted(rows, key=lambda row: row[self._key])
            columns = zip(*ordered, strict=True)
            literals = [
                encode(column) for encode, column in zip(self._encode, columns, strict=True)
            ]
            conn.execute(self._upsert, literals)


def _upsert(name: str, key: str, fields: Sequence[str], types: Mapping[str, str]) -> str:
    # An array of arrays has no ragged rows, so a column that is one crosses as text.
    arrays = [f"%s::{'text' if types[n].endswith('[]') else types[n]}[]" for n in fields]
    values = [f"{n}::{types[n]}" if types[n].endswith("[]") else n for n in fields]
    return (
        f"INSERT INTO views.{name} ({', '.join(fields)}) "  # noqa: S608 - our own names
        f"SELECT {', '.join(values)} FROM unnest({', '.join(arrays)}) AS u ({', '.join(fields)}) "
        f"ON CONFLICT ({key}) DO UPDATE SET "
        + ", ".join(f"{n} = EXCLUDED.{n}" for n in fields if n != key)
    )


def _plain(column: Iterable[Any]) -> str:
    """Ids, numbers and booleans: nothing in them needs quoting."""
    return "{" + ",".join(["NULL" if v is None else str(v) for v in column]) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _texts(column: Iterable[str | None]) -> str:
    return "{" + ",".join(["NULL" if v is None else _quoted(v) for v in column]) + "}"


def _moments(column: Iterable[Any]) -> str:
    return "{" + ",".join(["NULL" if v is None else f'"{v.isoformat()}"' for v in column]) + "}"


def _bytes(column: Iterable[bytes | None]) -> str:
    return _texts(None if v is None else f"\\x{v.hex()}" for v in column)


def _documents(column: Iterable[Any]) -> str:
    return _texts(None if v is None else orjson.dumps(v).decode() for v in column)


def _lists(column: Iterable[Sequence[str] | None]) -> str:
    return _texts(None if v is None else _texts(v) for v in column)


_ENCODERS: dict[str, Callable[[Iterable[Any]], str]] = {
    "text": _texts,
    "timestamp with time zone": _moments,
    "bytea": _bytes,
    "jsonb": _documents,
    "text[]": _lists,
}


def open_tables(conn: psycopg.Connection[Any], views: Iterable[View[Any]]) -> dict[str, Table]:
    """Tables by view name, their column types read from the catalogue.

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
    return {view.name: Table(view, types.get(view.name, {})) for view in views}

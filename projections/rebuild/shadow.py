"""The tables of a shadow: made like the live ones, indexes, policies and grants included."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from projections.postgres.writer import tables_of

Conn = psycopg.Connection[Any]

_OPTIONS = "SELECT reloptions FROM pg_class WHERE oid = %s::regclass"
_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('p', 'u') ORDER BY contype, conname
"""
_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::regclass
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
ORDER BY c.relname
"""


def create(conn: Conn, view: str) -> None:
    """Empty tables with their keys; without row-level security, so that COPY may fill them."""
    for table in tables_of(view):
        options = _one(conn, _OPTIONS, f"views.{table}")
        storage = f" WITH ({', '.join(options)})" if options else ""
        _run(
            conn,
            "CREATE TABLE {new} (LIKE {live} INCLUDING ALL EXCLUDING INDEXES)" + storage,
            table,
        )
        for name, definition in conn.execute(_KEYS, (f"views.{table}",)).fetchall():
            _run(conn, f'ALTER TABLE {{new}} ADD CONSTRAINT "{name}" {definition}', table)


def complete(conn: Conn, view: str) -> None:
    """The other indexes, and who may see what: from here on it could be the live table.

    Again changes nothing.
    """
    for table in tables_of(view):
        for name, definition in conn.execute(_INDEXES, (f"views.{table}",)).fetchall():
            if conn.execute("SELECT to_regclass(%s)", (f"shadow.{name}",)).fetchone() == (None,):
                conn.execute(definition.replace(f" ON views.{table} ", f" ON shadow.{table} ", 1))
        if not is_complete(conn, table):
            conn.execute("CALL log.protect(%s::regclass, 'SELECT')", (f"shadow.{table}",))


def is_complete(conn: Conn, table: str) -> bool:
    """Whether a shadow's table has its policies."""
    secured = "SELECT relforcerowsecurity FROM pg_class WHERE oid = %s::regclass"
    return bool(_one(conn, secured, f"shadow.{table}"))


def analyze(conn: Conn, view: str) -> None:
    """Let the planner know the new tables before anybody reads them. Needs autocommit."""
    for table in tables_of(view):
        _run(conn, "VACUUM (ANALYZE) {new}", table)


def drop(conn: Conn, view: str) -> None:
    """Drop the shadow's tables, if there are any."""
    for table in tables_of(view):
        _run(conn, "DROP TABLE IF EXISTS {new}", table)


def _run(conn: Conn, statement: str, table: str) -> None:
    """`{live}` and `{new}` stand for the table; the rest comes from the catalogue."""
    conn.execute(
        sql.SQL(statement).format(
            live=sql.Identifier("views", table),
            new=sql.Identifier("shadow", table),
        )
    )


def _one(conn: Conn, query: str, table: str) -> Any:
    row = conn.execute(query, (table,)).fetchone()
    return None if row is None else row[0]

"""The log and every table of Postgres, read row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from psycopg import sql
from psycopg.rows import dict_row

from infra.erasure.needles import Needles
from infra.erasure.stores.events import read_events
from infra.erasure.stores.trace import Trace, traces
from infra.postgres import Connection
from schemas.codec import Codec
from schemas.ports import KeyRing
from schemas.sealing import SealBrokenError, unseal

_CHUNK: Final = 2_000
_LOG: Final = "postgres:log.events"
_TABLES: Final = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg_toast%%' AND n.nspname NOT LIKE 'pg_temp%%'
      AND (n.nspname, c.relname) <> ('log', 'events')
    ORDER BY 1, 2
"""
_TIMES: Final = ("created_at", "received_at", "recorded_at", "updated_at")


def in_log(
    connection: Connection, codec: Codec, keys: KeyRing, needles: Needles
) -> Iterator[Trace]:
    """The event log, decoded."""
    with connection.cursor("erased_log") as cursor:
        cursor.itersize = _CHUNK
        cursor.execute("SELECT bytes, position, recorded_at FROM log.events ORDER BY position")
        while rows := cursor.fetchmany(_CHUNK):
            found = read_events(codec, keys, [(value, position) for value, position, _ in rows])
            for read, (_, position, at) in zip(found, rows, strict=True):
                yield from traces(
                    needles, read.value, _LOG, f"position {position}",
                    organization=read.organization, owner=read.owner, at=at, position=position,
                )  # fmt: skip


def tables(connection: Connection) -> list[tuple[str, str]]:
    """Schema and name of every table but the log."""
    return connection.execute(_TABLES).fetchall()


def in_table(
    connection: Connection, schema: str, table: str, keys: KeyRing, needles: Needles
) -> Iterator[Trace]:
    """One table, every column; kept answers are opened with the organization's key."""
    store = f"postgres:{schema}.{table}"
    with connection.cursor("erased_table", row_factory=dict_row) as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
        for number, row in enumerate(cursor, 1):
            yield from _in_row(row, store, f"row {number}", keys, needles)


def _in_row(
    row: dict[str, Any], store: str, place: str, keys: KeyRing, needles: Needles
) -> Iterator[Trace]:
    if store == "postgres:log.subject_keys":
        if row["subject_id"] in needles.person.subjects and row["wrapped"] is not None:
            yield Trace(store, f"subject {row['subject_id']}", "key")
        return
    if store == "postgres:state.idempotency":
        row = {**row, "answer": _answer(row, keys)}
    owner = row.get("id") if store.endswith(".contacts") else row.get("contact_id")
    at = next((row[name] for name in _TIMES if row.get(name)), None)
    place = f"{place}, {row['id']}" if "id" in row else place
    yield from traces(
        needles, list(row.values()), store, place,
        organization=row.get("organization_id"), owner=owner, at=at,
    )  # fmt: skip


def _answer(row: dict[str, Any], keys: KeyRing) -> Any:
    sealed, organization = row["answer"], row["organization_id"]
    key = keys.keys_of([organization]).get(organization) if sealed else None
    if key is None:
        return sealed
    try:
        return json.loads(unseal(bytes(sealed), key=key, bound_to=row["key"].encode()))
    except (SealBrokenError, ValueError):
        return sealed

"""What is known about each shadow: `state.rebuilds` and where its workers stand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from projections.rebuild.errors import BusyError

Conn = psycopg.Connection[Any]

_LOCK_CLASS = 7303  # beside the relay's 7302
_FIELDS = "view, id::text, state, as_of, high, swapped, details, started_at::text"


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A shadow: `building` while its workers run, then `following` the live table batch by batch,
    or `built` in ClickHouse, where it is brought up when it is swapped, or `compared` for one that
    stands still at `as_of`."""

    view: str
    id: str
    state: str
    as_of: int | None
    high: int
    swapped: bool
    details: dict[str, Any]
    started_at: str


@dataclass(frozen=True, slots=True)
class Part:
    """One worker's share: it has folded its streams' events up to `position`."""

    part: int
    position: int
    events: int
    rows: int
    reached: dict[str, int] = field(default_factory=dict)
    """In ClickHouse: the highest position of each `topic/partition`."""


@contextmanager
def alone(conn: Conn, view: str) -> Iterator[None]:
    """One command at a time for a view. Raises BusyError. Released when the session ends."""
    key = (_LOCK_CLASS, f"rebuild/{view}")
    row = conn.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", key).fetchone()
    if row is None or not row[0]:
        raise BusyError(f"another command is at work on {view}: wait until it has ended")
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)


def find(conn: Conn, view: str) -> Rebuild | None:
    """The shadow of a view, if there is one."""
    row = conn.execute(f"SELECT {_FIELDS} FROM state.rebuilds WHERE view = %s", (view,)).fetchone()  # noqa: S608
    return None if row is None else Rebuild(*row)


def all_rebuilds(conn: Conn) -> list[Rebuild]:
    """Every shadow, by view."""
    rows = conn.execute(f"SELECT {_FIELDS} FROM state.rebuilds ORDER BY view")  # noqa: S608
    return [Rebuild(*row) for row in rows]


def begin(
    conn: Conn,
    view: str,
    *,
    high: int,
    as_of: int | None,
    parts: int,
    details: dict[str, Any] | None = None,
) -> Rebuild:
    """Record a new shadow and its workers, all at the start."""
    identity = str(uuid.uuid4())
    conn.execute(
        "INSERT INTO state.rebuilds (view, id, state, as_of, high, details)"
        " VALUES (%s, %s, 'building', %s, %s, %s)",
        (view, identity, as_of, high, orjson.dumps(details or {}).decode()),
    )
    conn.execute(
        "INSERT INTO state.rebuild_parts (id, part, position)"
        " SELECT %s, n, 0 FROM generate_series(0, %s - 1) AS n",
        (identity, parts),
    )
    found = find(conn, view)
    if found is None:
        raise AssertionError("the row was written in this transaction")
    return found


def change(conn: Conn, view: str, **values: Any) -> None:
    """Set columns of a shadow's row: `state`, `high`, `swapped` or `details`."""
    for name, value in values.items():
        stored = orjson.dumps(value).decode() if name == "details" else value
        conn.execute(
            f"UPDATE state.rebuilds SET {name} = %s, changed_at = now() WHERE view = %s",  # noqa: S608
            (stored, view),
        )


def forget(conn: Conn, view: str) -> None:
    """Remove what is known about a shadow."""
    conn.execute("DELETE FROM state.rebuilds WHERE view = %s", (view,))


def parts_of(conn: Conn, identity: str) -> list[Part]:
    """Where the workers of a rebuild stand."""
    rows = conn.execute(
        "SELECT part, position, events, rows, reached FROM state.rebuild_parts"
        " WHERE id = %s ORDER BY part",
        (identity,),
    )
    return [Part(*row) for row in rows]


def advance(conn: Conn, identity: str, before: Part, after: Part) -> None:
    """Move a worker's share on, in the transaction of its rows.

    Raises BusyError when another process has moved it: two would fold the same events twice.
    """
    moved = conn.execute(
        "UPDATE state.rebuild_parts SET position = %s, events = %s, rows = %s,"
        " reached = %s WHERE id = %s AND part = %s AND position = %s",
        (
            after.position,
            after.events,
            after.rows,
            orjson.dumps(after.reached).decode(),
            identity,
            before.part,
            before.position,
        ),
    )
    if moved.rowcount != 1:
        raise BusyError(f"share {before.part} of this rebuild belongs to another process by now")

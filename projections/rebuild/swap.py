"""Live table and shadow change places, at once, without making a reader wait.

The projections are held up first, by their positions; then only readers can hold the tables, and
each try waits for them so shortly that nobody queues behind it for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import errors, sql

from projections.postgres import positions
from projections.postgres.view import View
from projections.rebuild import records, shadow
from projections.rebuild.errors import BusyError, NoShadowError, NotCaughtUpError

Conn = psycopg.Connection[Any]

LOCK_TIMEOUT_MS: Final = 8
"""For each table; a view has two at most, each live and as shadow."""
_WRITERS_MS: Final = 2_000
_TRIES: Final = 40
_PATIENCE: Final = 30.0
_PAUSE: Final = 0.025
_BEHIND: Final = """
SELECT topic, partition, l.next_offset, s.next_offset
FROM (SELECT * FROM state.positions WHERE consumer = %(view)s) AS l
FULL JOIN (SELECT * FROM state.positions WHERE consumer = %(shadow)s) AS s USING (topic, partition)
WHERE l.next_offset IS DISTINCT FROM s.next_offset ORDER BY topic, partition LIMIT 1
"""


def swap(conn: Conn, view: View[Any], *, back: bool = False) -> int:
    """Make the shadow the live table and keep the other one current as the shadow; how many tries
    that took. `back` undoes a swap.

    The connection must be in autocommit. Raises NoShadowError or NotCaughtUpError, and BusyError
    when readers never let go of the tables; nothing has changed then.
    """
    deadline = time.monotonic() + _PATIENCE
    tries = 0
    while True:
        try:
            with conn.transaction():
                _hold_writers(conn, view)
                _ensure_ready(conn, view, back=back)
                tries += _lock_tables(conn, view, deadline)
                shadow.exchange(conn, view.name)
                records.change(conn, view.name, swapped=not back)
                conn.execute("NOTIFY nudge_views")
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if time.monotonic() > deadline:
                raise BusyError(
                    f"{view.name} was in use all the time: nothing has changed, try again"
                ) from None
            tries += 1
            time.sleep(_PAUSE)
        else:
            return tries


def behind(conn: Conn, view: str) -> tuple[str, int, int, int] | None:
    """The first partition in which the shadow is not where the live table is: topic, partition
    and both next offsets."""
    names = {"view": view, "shadow": positions.shadow_of(view)}
    return conn.execute(_BEHIND, names).fetchone()


def _hold_writers(conn: Conn, view: View[Any]) -> None:
    conn.execute("SELECT set_config('lock_timeout', %s, true)", (f"{_WRITERS_MS}ms",))
    conn.execute(
        "SELECT 1 FROM state.positions WHERE consumer = ANY(%s)"
        " ORDER BY topic, partition, consumer FOR UPDATE",
        ([view.name, positions.shadow_of(view.name)],),
    )


def _ensure_ready(conn: Conn, view: View[Any], *, back: bool) -> None:
    known = records.find(conn, view.name)
    if known is None:
        raise NoShadowError(f"{view.name} has no shadow: nudge projections rebuild {view.name}")
    if known.as_of is not None:
        raise NoShadowError(
            f"the shadow of {view.name} stands still at position {known.as_of}: it is for"
            f" comparison only; nudge projections rebuild {view.name} makes one that follows"
        )
    if known.state != "following":
        raise NotCaughtUpError(
            f"the shadow of {view.name} is still being built:"
            f" nudge projections rebuild {view.name} goes on with it"
        )
    if back and not known.swapped:
        raise NoShadowError(f"{view.name} was not swapped: there is nothing to roll back")
    if not back and known.swapped:
        raise NoShadowError(
            f"{view.name} was swapped already: nudge projections rollback {view.name} undoes it"
        )
    if (late := behind(conn, view.name)) is not None:
        topic, partition, live, own = late
        raise NotCaughtUpError(
            f"the shadow of {view.name} was left behind in {topic}-{partition}"
            f" ({own} of {live}): nudge projections rebuild {view.name} brings it up"
        )


def _lock_tables(conn: Conn, view: View[Any], deadline: float) -> int:
    """Take all tables or none, again and again, while the writers are held up; the tries."""
    conn.execute("SELECT set_config('lock_timeout', %s, true)", (f"{LOCK_TIMEOUT_MS}ms",))
    names = [
        sql.Identifier(schema, table)
        for table in shadow.tables_of(view.name)
        for schema in ("views", "shadow")
    ]
    statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(names))
    return _again(lambda: _try(conn, statement), deadline)


def _try(conn: Conn, statement: sql.Composed) -> None:
    with conn.transaction():
        conn.execute(statement)


def _again(attempt: Callable[[], None], deadline: float) -> int:
    for number in range(1, _TRIES):
        try:
            attempt()
        except errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return number
    attempt()
    return _TRIES

"""Live table and shadow change places, at once, without making a reader wait.

The projections are held up first, by their positions; then only readers can hold the tables, and
each try waits for them so shortly that nobody queues behind it for long. It is one statement
(`state.exchange_shadow`), so that no way to this process lengthens what readers wait.
"""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
from psycopg import errors

from projections.postgres import positions
from projections.postgres.tables import alike
from projections.postgres.view import View
from projections.postgres.writer import tables_of
from projections.rebuild import records
from projections.rebuild.errors import BusyError, NoShadowError, NotCaughtUpError

Conn = psycopg.Connection[Any]

LOCK_TIMEOUT_MS: Final = 6
"""For each table; a view has two at most, each live and as shadow."""
_WRITERS_MS: Final = 2_000
_PATIENCE: Final = 30.0
_PAUSE: Final = 0.05
_EXCHANGE: Final = "SELECT state.exchange_shadow(%s, %s, %s, %s, %s)"
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
    deadline, tries = time.monotonic() + _PATIENCE, 0
    tables = list(tables_of(view.name))
    while True:
        _ensure_ready(conn, view, back=back)
        tries += 1
        try:
            conn.execute(_EXCHANGE, (view.name, tables, not back, _WRITERS_MS, LOCK_TIMEOUT_MS))
        except errors.ObjectNotInPrerequisiteState:
            continue  # left behind this moment: said with the place when it is looked at again
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if time.monotonic() > deadline:
                raise BusyError(
                    f"{view.name} was in use all the time: nothing has changed, try again"
                ) from None
            time.sleep(_PAUSE)
        else:
            return tries


def behind(conn: Conn, view: str) -> tuple[str, int, int, int] | None:
    """The first partition in which the shadow is not where the live table is: topic, partition
    and both next offsets."""
    names = {"view": view, "shadow": positions.shadow_of(view)}
    return conn.execute(_BEHIND, names).fetchone()


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
    if not alike(conn, tables_of(view.name)):
        raise NoShadowError(
            f"a migration has changed {view.name}, but not its shadow:"
            f" nudge projections rebuild {view.name} makes a new one"
        )
    if (late := behind(conn, view.name)) is not None:
        topic, partition, live, own = late
        raise NotCaughtUpError(
            f"the shadow of {view.name} was left behind in {topic}-{partition}"
            f" ({own} of {live}): nudge projections rebuild {view.name} brings it up"
        )

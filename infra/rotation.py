"""Rotation of the master key: every key of a subject wrapped anew, while the product goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from infra.keys import announce
from infra.master_keys import MasterKeys, fresh_key, key_id, read_keys, write_keys
from infra.postgres import Connection

_BATCH: Final = 1000
_FIRST: Final = str(UUID(int=0))
_ONE_AT_A_TIME: Final = "SELECT pg_try_advisory_lock(7330)"
_NEXT_ONE: Final = "SELECT pg_advisory_unlock(7330)"
_WAITING: Final = """
    SELECT count(*) FROM log.subject_keys
    WHERE wrapped IS NOT NULL AND wrapped_by IS DISTINCT FROM %s
"""
# Not those that somebody else holds at this moment, such as an erasure: the next pass has them.
_NEXT: Final = """
    SELECT subject_id, wrapped, wrapped_by FROM log.subject_keys
    WHERE subject_id >= %s::uuid AND wrapped IS NOT NULL AND wrapped_by IS DISTINCT FROM %s
    ORDER BY subject_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_REWRAP: Final = """
    UPDATE log.subject_keys k SET wrapped = n.wrapped, wrapped_by = n.by
    FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[]) AS n (subject_id, wrapped, by)
    WHERE k.subject_id = n.subject_id
"""
_USED: Final = """
    SELECT wrapped_by, count(*) FROM log.subject_keys WHERE wrapped IS NOT NULL GROUP BY 1
"""
_PAUSE: Final = 0.05


class RotationError(Exception):
    """The master key cannot be rotated or retired now; the message says why."""


class Use(NamedTuple):
    """One master key and what it wraps; an empty id is of before there were ids."""

    id: str
    wraps: int
    newest: bool
    in_file: bool


Told = Callable[[int, int], None]
"""Told how many keys are done, of how many."""


def uses(connection: Connection, path: Path) -> list[Use]:
    """Every master key that is in the file or wraps something, the newest first."""
    known = [key_id(key) for key in read_keys(path)]
    found = {row[0] and bytes(row[0]): row[1] for row in connection.execute(_USED).fetchall()}
    others = [by for by in found if by not in known]
    return [
        Use(by.hex() if by else "", found.get(by, 0), by == known[0], by in known)
        for by in (*known, *others)
    ]


def rotate(connection: Connection, path: Path, told: Told) -> bytes:
    """Make a new master key, unless an earlier rotation is unfinished, and wrap everything by it.

    The id of the key. `connection` is the worker's, with autocommit. Ended at any moment, it goes
    on where it was when called again. Raises RotationError, KeyFileError.
    """
    with _alone(connection):
        keys = read_keys(path)
        unfinished = len(keys) > 1 and _waiting(connection, key_id(keys[0])) > 0
        if not unfinished:
            write_keys(path, (fresh_key(), *keys))
        announce(connection)
        return rewrap(connection, path, told)


def rewrap(connection: Connection, path: Path, told: Told) -> bytes:
    """Wrap by the newest key of the file whatever is not yet; its id."""
    master = MasterKeys.of_file(path, os.urandom)
    total, done = _waiting(connection, master.newest), 0
    while _waiting(connection, master.newest):
        behind, count = _FIRST, 1
        while count:
            behind, count = _rewrap_some(connection, master, behind)
            done += count
            told(done, max(total, done))
        time.sleep(_PAUSE)
    return master.newest


def retire(connection: Connection, path: Path, patience: float = 60.0) -> int:
    """Take keys that wrap nothing any more out of the file; how many.

    Raises RotationError when one is still needed, or a transaction that may have begun before the
    rotation does not end within `patience` seconds.
    """
    with _alone(connection):
        keys = read_keys(path)
        _wait_for_earlier_transactions(connection, patience)
        if waiting := _waiting(connection, key_id(keys[0])):
            raise RotationError(
                f"{waiting} keys are wrapped by older ones: nudge master-key rotate"
            )
        if len(keys) > 1:
            write_keys(path, keys[:1])
            announce(connection)
        return len(keys) - 1


def _rewrap_some(connection: Connection, master: MasterKeys, behind: str) -> tuple[str, int]:
    with connection.transaction():
        rows = connection.execute(_NEXT, (behind, master.newest, _BATCH)).fetchall()
        if not rows:
            return behind, 0
        opened = [(subject, master.unwrap(subject, *wrapped)) for subject, *wrapped in rows]
        wrapped = [master.wrap(subject, key) for subject, key in opened]
        connection.execute(
            _REWRAP,
            (
                [subject for subject, _ in opened],
                [value for value, _ in wrapped],
                [by for _, by in wrapped],
            ),
        )
    return rows[-1][0], len(rows)


def _waiting(connection: Connection, newest: bytes) -> int:
    row = connection.execute(_WAITING, (newest,)).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Given back at the end: a session that ends keeps its lock until Postgres notices."""
    row = connection.execute(_ONE_AT_A_TIME).fetchone()
    if not row or not row[0]:
        raise RotationError("another rotation is under way")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(_NEXT_ONE)


def _wait_for_earlier_transactions(connection: Connection, patience: float) -> None:
    """Whoever wrapped a key before the file changed has committed it, or never will."""
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    mine = row[0] if row else "0"
    deadline = time.monotonic() + patience
    over = "SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8"
    while not (connection.execute(over, (mine,)).fetchone() or (False,))[0]:
        if time.monotonic() > deadline:
            raise RotationError("a transaction has been open for long; try again when it has ended")
        time.sleep(_PAUSE)

"""One worker of a rebuild: its share of the streams, from the log into the shadow.

Rows are kept in memory while their streams are busy, and stored with the position in one
transaction a range of positions; what was not stored is folded again after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import psycopg

from projections.postgres import counters
from projections.postgres.departed import PRESENT
from projections.postgres.folding import Change, fold_events
from projections.postgres.tables import open_tables
from projections.postgres.view import View
from projections.postgres.writer import COUNTED
from projections.rebuild import records, shadow
from projections.rebuild.errors import BusyError, UnfoldableEventError
from schemas.codec import Codec, Event
from schemas.ports import KeyRing

Conn = psycopg.Connection[Any]
T = TypeVar("T")

RANGE: Final = 100_000
"""Positions of a range; all workers together hold about the rows of so many events at most."""
_FETCH: Final = 5_000
_REMEMBERED: Final = 50_000
_SHARE: Final = "AND get_byte(uuid_send(stream_id), 15) %% %(parts)s = %(part)s"
_READ: Final = f"""
SELECT bytes, position FROM log.events
WHERE position > %(low)s AND position <= %(high)s AND type = ANY(%(types)s) AND {PRESENT} {{share}}
ORDER BY position
"""  # noqa: S608 - put together from constants


class Builder:
    """Folds ranges of the log into a view's shadow. `part` of `parts` takes a share of the streams.

    The connection must not be in autocommit; whoever calls `fold_range` commits.
    """

    def __init__(
        self,
        conn: Conn,
        view: View[Any],
        codec: Codec,
        keys: KeyRing,
        *,
        part: int = 0,
        parts: int = 1,
    ) -> None:
        self._conn = conn
        self._view = view
        self._codec = codec
        self._keys = keys if view.reads_sealed else None
        self._share = {"part": part, "parts": parts}
        self._filling = not shadow.is_complete(conn, view.name)  # row-level security refuses COPY
        self._table = open_tables(conn, [view], "shadow")[view.name]
        self._rows: dict[str, Any] = {}
        self._stored: set[str] = set()

    def fold_range(self, low: int, high: int) -> tuple[int, int]:
        """Fold and store positions above `low` up to `high`; how many events, and rows added."""
        changed: dict[str, Change] = {}
        sums: dict[counters.Step, list[int]] = {}
        count = 0
        for events in self._events(low, high):
            count += len(events)
            self._load(events)
            changes = self._folded(events)
            for key, change in changes.items():
                before = changed[key].before if key in changed else change.before
                changed[key] = Change(before, change.after)
                self._rows.pop(key, None)  # the order of the rows is that of their last use
                self._rows[key] = change.after
        if self._view.name == COUNTED:
            sums = {step: list(each) for step, each in counters.deltas(changed.values()).items()}
        added = self._store(changed)
        counters.add(self._conn, sums, "shadow")
        self._forget()
        return count, added

    def _events(self, low: int, high: int) -> Iterator[list[Event]]:
        types = sorted(self._view.events)
        query = _READ.format(share=_SHARE if self._share["parts"] > 1 else "")
        with self._conn.cursor("log", binary=True) as cursor:
            cursor.itersize = _FETCH
            cursor.execute(query, {"low": low, "high": high, "types": types, **self._share})
            while rows := cursor.fetchmany(_FETCH):
                yield self._decoded(rows)

    def _decoded(self, rows: Sequence[tuple[bytes, int]]) -> list[Event]:
        decode = self._codec.decode_batch
        return _explained(
            partial(decode, rows, self._keys),
            (
                (position, partial(decode, [(value, position)], self._keys))
                for value, position in rows
            ),
        )

    def _folded(self, events: list[Event]) -> dict[str, Change]:
        fold = partial(fold_events, self._view, self._rows)
        return _explained(
            partial(fold, events),
            ((event.position, partial(fold, events[:n])) for n, event in enumerate(events, 1)),
        )

    def _load(self, events: Sequence[Event]) -> None:
        """Rows that these events may change and that are not in memory. No row of a stream is
        older than its first event, unless the shadow was filled further than this already."""
        key_of = self._view.key_of
        begun: set[str] = set()
        missing: set[str] = set()
        for event in events:
            key = key_of(event)
            if event.version == 1 and self._filling:
                begun.add(key)
            elif key not in self._rows and key not in begun:
                missing.add(key)
        if missing:
            found = self._table.load(self._conn, missing)
            self._rows |= found
            self._stored |= found.keys()

    def _store(self, changed: dict[str, Change]) -> int:
        new = [change.after for key, change in changed.items() if key not in self._stored]
        if self._filling:
            self._table.add(self._conn, new)
            old = [change.after for key, change in changed.items() if key in self._stored]
        else:
            old = [change.after for change in changed.values()]
        if old:
            self._table.store(self._conn, old)
        self._stored |= changed.keys()
        return len(new)

    def _forget(self) -> None:
        """Keep the rows used last; those left out are loaded again when they are needed."""
        if len(self._rows) > _REMEMBERED:
            kept = list(self._rows)[-_REMEMBERED // 2 :]
            self._rows = {key: self._rows[key] for key in kept}
            self._stored &= self._rows.keys()


def _explained(work: Callable[[], T], pieces: Iterable[tuple[int, Callable[[], Any]]]) -> T:
    """What `work` gives; when it fails, the first piece that fails says at which position."""
    try:
        return work()
    except psycopg.Error:
        raise
    except Exception:
        for position, piece in pieces:
            try:
                piece()
            except psycopg.Error:
                raise
            except Exception as error:
                raise UnfoldableEventError(
                    f"the event at position {position} cannot be folded: "
                    f"{type(error).__name__}: {error}"
                ) from error
        raise


def build_part(
    conn: Conn,
    view: View[Any],
    codec: Codec,
    keys: KeyRing,
    rebuild: records.Rebuild,
    part: int,
    going_on: Callable[[], bool] = lambda: True,
    span: int = RANGE,
) -> None:
    """Bring one share up to the rebuild's `high`, a transaction for each `span` of positions.

    Stops early when `going_on` says so. Raises BusyError when another process has the share.
    """
    shares = records.parts_of(conn, rebuild.id)
    mine = next((share for share in shares if share.part == part), None)
    if mine is None:
        raise BusyError(f"the rebuild of {view.name} was given up meanwhile")
    builder = Builder(conn, view, codec, keys, part=part, parts=len(shares))
    conn.commit()
    while mine.position < rebuild.high and going_on():
        end = min(mine.position + span, rebuild.high)
        events, rows = builder.fold_range(mine.position, end)
        after = records.Part(part, end, mine.events + events, mine.rows + rows)
        records.advance(conn, rebuild.id, mine, after)
        conn.commit()
        mine = after

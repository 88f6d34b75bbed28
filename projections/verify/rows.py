"""Postgres read models against the folds of their streams, at one instant, without writing.

A row must be what its stream's events make of it, up to the position where the view stands in the
stream's partition; counters must be the sum of the delivery rows beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from projections.postgres import counters
from projections.postgres.departed import PRESENT
from projections.postgres.folding import Change
from projections.postgres.tables import Table, open_tables
from projections.postgres.view import View
from projections.postgres.writer import COUNTED, ERASURES
from projections.rebuild import blame
from projections.verify.decoding import decoded
from projections.verify.fault import POSTGRES, Fault
from schemas.codec import Codec, Event
from schemas.ports import KeyRing
from schemas.topics import all_topics, partition_of

Conn = psycopg.Connection[Any]
Pause = Callable[[], None]

_BUCKET: Final = 50_000
"""Events whose rows are held in memory at a time, and compared at one instant. In a gentle
verification the pause comes behind it: a table that is being read cannot be swapped."""
_FETCH: Final = 2_000
_COUNT: Final = "SELECT count(*) FROM log.events WHERE type = ANY(%s)"
_READ: Final = f"""
SELECT bytes, position FROM log.events
WHERE type = ANY(%(types)s) AND get_byte(uuid_send(stream_id), 15) %% %(buckets)s = %(bucket)s
  AND {PRESENT}
ORDER BY position
"""  # noqa: S608 - put together from constants
_ROWS: Final = """
SELECT v.{key}, v.position, e.bytes, e.position FROM
  (SELECT {key}, position FROM views.{table} WHERE {key} > %s::uuid ORDER BY {key} LIMIT %s) AS v
LEFT JOIN log.events AS e ON e.position = v.position ORDER BY v.{key}
"""
_LOWEST: Final = "00000000-0000-0000-0000-000000000000"
_STANDING: Final = "SELECT topic, partition, position FROM state.positions WHERE consumer = %s"


@dataclass(slots=True)
class _Folded:
    """A row as all events of the log make it, and where its stream is."""

    row: Any
    last: int
    stream: str
    topic: str


class ViewCheck:
    """Checks one view. The connection must be in autocommit; `pause` is called every so often."""

    def __init__(
        self,
        conn: Conn,
        view: View[Any],
        codec: Codec,
        keys: KeyRing,
        pause: Pause = lambda: None,
    ) -> None:
        self._conn = conn
        self._view = view
        self._codec = codec
        self._ring = keys
        self._keys = keys if view.reads_sealed else None
        self._pause = pause
        self._standing: dict[tuple[str, int], int] = {}
        self.events = 0

    def faults(self) -> Iterator[Fault]:
        """Every fault of the view, and of the counters that belong to it."""
        types = sorted(self._view.events)
        buckets = min(256, _one(self._conn, _COUNT, (types,)) // _BUCKET + 1)
        for bucket in range(buckets):
            with self._snapshot():
                table = open_tables(self._conn, [self._view])[self._view.name]
                yield from self._bucket(table, types, buckets, bucket)
            self._pause()
        yield from self._extra()
        if self._view.name == COUNTED:
            with self._snapshot():
                yield from self._counters()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One instant of the log, the rows and where the view stands."""
        with self._conn.transaction():
            self._conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            rows = self._conn.execute(_STANDING, (self._view.name,))
            self._standing = {(topic, n): position for topic, n, position in rows}
            yield

    def _bucket(self, table: Table, types: list[str], buckets: int, bucket: int) -> Iterator[Fault]:
        folded: dict[str, _Folded] = {}
        values = {"types": types, "buckets": buckets, "bucket": bucket}
        for events in self._read(_READ, values):
            for event in events:
                if (fault := self._fold(folded, event)) is not None:
                    yield fault
        wanted = list(folded)
        for first in range(0, len(wanted), _FETCH):
            some = wanted[first : first + _FETCH]
            stored = table.load(self._conn, some)
            for key in some:
                if stored.get(key) != folded[key].row:
                    yield from self._explained(key, stored.get(key), folded[key])

    def _read(self, query: str, values: Mapping[str, Any]) -> Iterator[list[Event]]:
        with self._conn.cursor("verify", binary=True) as cursor:
            cursor.itersize = _FETCH
            cursor.execute(query, values)
            while rows := cursor.fetchmany(_FETCH):
                self.events += len(rows)
                yield decoded(self._codec, rows, self._keys)

    def _fold(self, folded: dict[str, _Folded], event: Event) -> Fault | None:
        key = self._view.key_of(event)
        known = folded.get(key)
        try:
            row = self._view.fold(known.row if known else None, event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            said = "" if self._view.reads_sealed else f": {error}"
            return self._fault("unreadable", key, event, f"{type(error).__name__}{said}")
        folded[key] = _Folded(row, event.position, event.stream_id, event.topic)
        return None

    def _explained(self, key: str, stored: Any, folded: _Folded) -> Iterator[Fault]:
        """The fault behind a row that is not what all events make; none if it is only behind."""
        partitions = all_topics()[folded.topic].partitions
        upto = self._standing.get((folded.topic, partition_of(folded.stream, partitions)), 0)
        events = blame.events_of_row(
            self._conn, self._view, self._codec, self._ring, folded.last, key, folded.last
        )
        if any(event.type in ERASURES and event.position > upto for event in events):
            return  # the key is gone, and the row goes when the view comes to that event
        events = [event for event in events if event.position <= upto]
        states = blame.states(self._view, events)
        expected = states[-1] if states else None
        if stored == expected:
            return
        if stored is None:
            made = next(e for e, row in zip(events, states, strict=True) if row is not None)
            yield self._fault("lost", key, made, "the row is missing")
            return
        if stored in states:
            missed = events[len(states) - states[::-1].index(stored)]
            yield self._fault("lost", key, missed, "the row stands before this event")
            return
        yield self._altered(key, stored, expected, events)

    def _altered(self, key: str, stored: Any, expected: Any, events: Sequence[Event]) -> Fault:
        right = {} if expected is None else expected._asdict()
        wrong = stored._asdict()
        columns = tuple(name for name in wrong if wrong[name] != right.get(name))
        sides = (wrong, right or None)
        culprit = blame.left(self._view, events, sides, columns) if events else None
        at = next((e for e in events if culprit and e.position == culprit.position), None)
        if self._view.reads_sealed:  # what is found is logged, and logs keep no personal data
            detail = f"{', '.join(columns)}: not as the events say"
        else:
            detail = "; ".join(f"{n} is {wrong[n]!r}, not {right.get(n)!r}" for n in columns)
        return self._fault("altered", key, at, detail)

    def _extra(self) -> Iterator[Fault]:
        """Rows that no event has made, and second rows of one key."""
        query = _ROWS.format(table=self._view.name, key=self._view.key)
        after = _LOWEST
        while rows := self._conn.execute(query, (after, _FETCH)).fetchall():
            for key, _, value, position in rows:
                event = None if value is None else self._codec.decode(value, position, None)
                if event is None:
                    yield self._fault("extra", str(key), None, "no event has made this row")
                elif self._view.key_of(event) != str(key):
                    detail = f"a second row of {self._view.key_of(event)}"
                    yield self._fault("doubled", str(key), event, detail)
            after = str(rows[-1][0])
            self._pause()

    def _counters(self) -> Iterator[Fault]:
        sums: dict[counters.Step, list[int]] = {}
        with self._conn.cursor("counted") as cursor:
            cursor.itersize = _FETCH
            cursor.execute(
                f"SELECT {', '.join(self._view.row._fields)} FROM views.{self._view.name}"  # noqa: S608
            )
            while rows := cursor.fetchmany(_FETCH):
                changes = [Change(None, self._view.row._make(row)) for row in rows]
                for step, added in counters.deltas(changes).items():
                    total = sums.setdefault(step, [0] * len(counters.METRICS))
                    for place, number in enumerate(added):
                        total[place] += number
        yield from self._differing(sums)

    def _differing(self, sums: dict[counters.Step, list[int]]) -> Iterator[Fault]:
        names = ", ".join(counters.METRICS)
        stored = {
            row[:3]: list(row[3:])
            for row in self._conn.execute(
                f"SELECT campaign_id, step, organization_id, {names} FROM views.campaign_counters"  # noqa: S608
            )
        }
        nothing = [0] * len(counters.METRICS)
        for step in sorted(sums.keys() | stored.keys()):
            right, wrong = sums.get(step, nothing), stored.get(step, nothing)
            if right != wrong:
                detail = "; ".join(
                    f"{name} is {b}, not {a}"
                    for name, a, b in zip(counters.METRICS, right, wrong, strict=True)
                    if a != b
                )
                key = f"{step[0]}/{step[1]}"
                kind = "lost" if step not in stored else "altered"
                yield Fault(
                    POSTGRES, "views.campaign_counters", kind, key, 0, "", detail, self._view.name
                )

    def _fault(self, kind: str, key: str, event: Event | None, detail: str) -> Fault:
        position, name = (0, "") if event is None else (event.position, event.type)
        view = self._view.name
        return Fault(POSTGRES, f"views.{view}", kind, key, position, name, detail, view)


def _one(conn: Conn, query: str, values: Sequence[Any]) -> int:
    row = conn.execute(query, values).fetchone()
    return int(row[0]) if row else 0

"""Kafka against the log: each position once, in its stream's partition, in order, byte for byte.

Both are read in order of position and side by side, so that only a range of the log is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from projections.batch import Record
from projections.rebuild.partitions import hashes_of
from projections.verify.fault import KAFKA, Fault
from schemas.registry import Registry
from schemas.topics import all_topics

Conn = psycopg.Connection[Any]
Place = tuple[str, int]

_RANGE: Final = 10_000
_READ: Final = """
SELECT position, stream_id::text, type, organization_id::text, bytes FROM log.events
WHERE position > %s AND position <= %s ORDER BY position
"""
_FIELDS: Final = ("key", "type", "organization", "value")


@dataclass(frozen=True, slots=True)
class _Entry:
    type: str
    fields: tuple[bytes | None, ...]


class TopicCheck:
    """Checks all event topics up to a position that is wholly on Kafka (`upto`).

    `records` gives a partition's records in order of offset. `pause` is called after each range.
    """

    def __init__(
        self,
        conn: Conn,
        registry: Registry,
        records: Mapping[Place, Iterator[Record]],
        upto: int,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._conn = conn
        self._topic_of = registry.topic_of
        self._records = records
        self._next: dict[Place, Record | None] = {p: next(r, None) for p, r in records.items()}
        self._highest: dict[Place, int] = {}
        self._upto = upto
        self._pause = pause
        self.events = 0

    def faults(self) -> Iterator[Fault]:
        """Every fault, range by range."""
        for low in range(0, self._upto, _RANGE):
            high = min(low + _RANGE, self._upto)
            wanted = self._log(low, high)
            for place in self._records:
                yield from self._partition(place, wanted.get(place, {}), high)
            self._pause()
        head = self._head()
        for place in self._records:
            yield from self._rest(place, head)

    def _log(self, low: int, high: int) -> dict[Place, dict[int, _Entry]]:
        rows = self._conn.execute(_READ, (low, high)).fetchall()
        self.events += len(rows)
        found: dict[Place, dict[int, _Entry]] = {}
        hashes = hashes_of([row[1] for row in rows])
        for (position, stream, kind, organization, value), hashed in zip(rows, hashes, strict=True):
            topic = self._topic_of[kind]
            place = topic, hashed % all_topics()[topic].partitions
            fields = (stream.encode(), kind.encode(), organization.encode(), bytes(value))
            found.setdefault(place, {})[position] = _Entry(kind, fields)
        return found

    def _partition(self, place: Place, wanted: dict[int, _Entry], high: int) -> Iterator[Fault]:
        """One partition's share of a range; what has a lower position than expected is there
        twice, or in the wrong place."""
        seen: set[int] = set()
        while (record := self._next[place]) is not None and _position(record) <= high:
            position = _position(record)
            entry = wanted.get(position)
            if position <= self._highest.get(place, 0):
                yield self._behind(place, record, entry, twice=position in seen)
            elif entry is None:
                yield self._fault(place, "extra", record, "", "the log has no such event here")
            else:
                yield from self._same(place, record, entry)
            seen.add(position)
            self._highest[place] = max(position, self._highest.get(place, 0))
            self._next[place] = next(self._records[place], None)
        for position in sorted(wanted.keys() - seen):
            yield self._lost(place, position, wanted[position])

    def _behind(self, place: Place, record: Record, entry: _Entry | None, *, twice: bool) -> Fault:
        kind = "doubled" if twice or entry is None else "out of order"
        detail = f"offset {record.offset} comes after position {self._highest[place]}"
        header = record.headers.get("type", b"").decode(errors="replace")
        return self._fault(place, kind, record, entry.type if entry else header, detail)

    def _same(self, place: Place, record: Record, entry: _Entry) -> Iterator[Fault]:
        headers = record.headers
        found = (record.key, headers.get("type"), headers.get("organization"), record.value)
        wrong = [n for n, a, b in zip(_FIELDS, entry.fields, found, strict=True) if a != b]
        if wrong:
            detail = f"offset {record.offset}: another {', '.join(wrong)}"
            yield self._fault(place, "altered", record, entry.type, detail)

    def _head(self) -> int:
        """Where the log ends now: above everything that the relay has carried."""
        row = self._conn.execute("SELECT max(position) FROM log.events").fetchone()
        return int(row[0] or 0) if row else 0

    def _rest(self, place: Place, head: int) -> Iterator[Fault]:
        """Behind the range: the same position again at the end, one without a header, or one that
        the log does not have, for which consumers would leave out what comes later."""
        while (record := self._next[place]) is not None:
            position = _position(record)
            if position <= self._highest.get(place, 0):
                yield self._behind(place, record, None, twice=True)
            elif position > head:
                yield self._fault(place, "extra", record, "", "the log has no such position")
            self._highest[place] = max(position, self._highest.get(place, 0))
            self._next[place] = next(self._records[place], None)

    def _lost(self, place: Place, position: int, entry: _Entry) -> Fault:
        name, key = f"{place[0]}-{place[1]}", (entry.fields[0] or b"").decode()
        detail = "no record has this position"
        return Fault(KAFKA, name, "lost", key, position, entry.type, detail)

    def _fault(self, place: Place, kind: str, record: Record, event: str, detail: str) -> Fault:
        name = f"{place[0]}-{place[1]}"
        key = (record.key or b"").decode(errors="replace")
        return Fault(KAFKA, name, kind, key, _position(record), event, detail)


def _position(record: Record) -> int:
    try:
        return record.position
    except ValueError:
        return 0

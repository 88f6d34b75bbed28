"""A replay of the event log, in order of position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from infra.postgres import Connection
from infra.replay.records import Replayed, ReplayError, Selection
from schemas.registry import Registry
from schemas.topics import all_topics, partition_of

# A window of positions, so that a rare type is looked for in steps that can be watched.
WINDOW: Final = 5_000
_READ: Final = """
    SELECT position, stream_id, type, organization_id, bytes, recorded_at FROM log.events
    WHERE position > %(after)s AND position <= %(until)s AND type = ANY(%(types)s)
      AND (%(stream)s::uuid IS NULL OR stream_id = %(stream)s)
      AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s)
    ORDER BY position
"""


class FromLog:
    """Reads pages of the log on an autocommit connection; holds no lock and nothing open."""

    def __init__(self, connection: Connection, registry: Registry, selection: Selection) -> None:
        self._connection = connection
        self._registry = registry
        self._selection = selection
        self._types = sorted(selection.wanted_types(registry))
        self.reached = selection.start - 1

    def read(self) -> Iterator[Sequence[Replayed]]:
        """Records by position."""
        while self.reached < self._selection.end:
            until = min(self.reached + WINDOW, self._selection.end)
            rows = self._connection.execute(
                _READ,
                {
                    "after": self.reached,
                    "until": until,
                    "types": self._types,
                    "stream": self._selection.stream,
                    "organization": self._selection.organization,
                },
            ).fetchall()
            found = [self._record(*row) for row in rows]
            yield found
            self.reached = until

    def _record(
        self,
        position: int,
        stream_id: str,
        event_type: str,
        organization: str,
        value: bytes,
        at: datetime,
    ) -> Replayed:
        topic = self._registry.topic_of[event_type]
        headers = {
            "position": str(position).encode(),
            "type": event_type.encode(),
            "organization": organization.encode(),
        }
        partition = partition_of(stream_id, all_topics()[topic].partitions)
        return Replayed(
            position, topic, partition, None, stream_id.encode(), headers, bytes(value), at
        )


def first_from(connection: Connection, start: str | None) -> int:
    """The first position that `start` means: itself, or the first recorded at that time or later.

    Raises ReplayError.
    """
    if start is None:
        return 1
    place = _place(start)
    if isinstance(place, int):
        return max(place, 1)
    return _position_at(connection, place - timedelta(microseconds=1)) + 1


def last_until(connection: Connection, end: str | None) -> int:
    """The last position that `end` means: at most where the log ends now. Raises ReplayError."""
    row = connection.execute("SELECT log.last_position()").fetchone()
    last = int(row[0]) if row else 0
    if end is None:
        return last
    place = _place(end)
    return min(place if isinstance(place, int) else _position_at(connection, place), last)


def moment_of(place: str | None) -> datetime | None:
    """A time, for topics that have no positions. Raises ReplayError for a position."""
    found = None if place is None else _place(place)
    if isinstance(found, int):
        raise ReplayError("this topic has no positions: give times")
    return found


def _place(text: str) -> int | datetime:
    if text.isascii() and text.isdigit():
        return min(int(text[:20]), 2**63 - 1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ReplayError(
            f"{text!r} is neither a position nor a time with its offset, such as"
            " 2026-01-31T09:00:00Z"
        )
    return moment


def _position_at(connection: Connection, moment: datetime) -> int:
    row = connection.execute("SELECT log.position_at(%s)", (moment,)).fetchone()
    return int(row[0]) if row else 0

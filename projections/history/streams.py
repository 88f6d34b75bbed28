"""The log up to a position, as the past is read from it: one stream, one event, or a campaign's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from projections.queries.rows import Conn
from schemas.codec import Event
from schemas.sealing import ERASED

Decode = Callable[[Conn, Sequence[tuple[bytes, int]], bool], Sequence[Event]]
"""(connection, (bytes, position) pairs, unsealed?) -> events, with the keys it may read."""

_PAGE: Final = 2_000
_STREAM: Final = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND organization_id = %s AND position <= %s ORDER BY version
"""
_AT: Final = """
    SELECT bytes, position FROM log.events
    WHERE position = %s AND organization_id = %s AND position <= %s
"""
_BEGAN: Final = """
    SELECT position FROM log.events WHERE stream_id = %s AND organization_id = %s AND version = 1
"""
# The ledger has a row for every intended delivery, written with the event that intends it.
_DELIVERIES: Final = """
    SELECT delivery_id FROM state.sends
    WHERE campaign_id = %s AND organization_id = %s
      AND delivery_id > coalesce(%s::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY delivery_id LIMIT %s
"""
_THEIR_EVENTS: Final = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = ANY(%s::uuid[]) AND organization_id = %s AND position <= %s ORDER BY position
"""


class Histories(Protocol):
    """What one organization's log held at a position. Later events do not exist."""

    @property
    def position(self) -> int: ...

    def stream(self, stream_id: str, *, unsealed: bool = True) -> list[Event]:
        """Events of a stream in order; none for one that is not there, or is another's."""
        ...

    def at(self, position: int) -> Event | None:
        """The event at a position, unless it is later or another organization's."""
        ...

    def deliveries(self, campaign_id: str) -> Iterator[list[Event]]:
        """Events of a campaign's deliveries, sealed, whole streams at a time."""
        ...


@dataclass(frozen=True, slots=True)
class LogHistories:
    """Histories read from the log, on one connection, in one transaction."""

    conn: Conn
    decode: Decode
    organization_id: str
    position: int

    def stream(self, stream_id: str, *, unsealed: bool = True) -> list[Event]:
        """Events of a stream in order."""
        return self._events(_STREAM, stream_id, unsealed=unsealed)

    def at(self, position: int) -> Event | None:
        """The event at a position."""
        found = self._events(_AT, position)
        return found[0] if found else None

    def began_later(self, stream_id: str) -> int | None:
        """Position of the first event of a stream, whatever the position read as of."""
        row = self.conn.execute(_BEGAN, (stream_id, self.organization_id)).fetchone()
        return int(row[0]) if row else None

    def deliveries(self, campaign_id: str) -> Iterator[list[Event]]:
        """Events of a campaign's deliveries, some thousand deliveries at a time."""
        after: str | None = None
        while True:
            found: list[str] = [
                each
                for (each,) in self.conn.execute(
                    _DELIVERIES, (campaign_id, self.organization_id, after, _PAGE)
                )
            ]
            if found:
                yield self._events(_THEIR_EVENTS, found, unsealed=False)
            if len(found) < _PAGE:
                return
            after = found[-1]

    def _events(self, query: str, wanted: Any, *, unsealed: bool = True) -> list[Event]:
        rows = self.conn.execute(
            query.encode(), (wanted, self.organization_id, self.position)
        ).fetchall()
        return list(self.decode(self.conn, rows, unsealed))


def is_erased(value: Any) -> bool:
    """Whether a field, or anything inside of an event's data, is gone with its key."""
    if isinstance(value, dict):
        return any(map(is_erased, value.values()))
    if isinstance(value, list):
        return any(map(is_erased, value))
    return value is ERASED

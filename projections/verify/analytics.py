"""ClickHouse tables against the rows that the log's events make, a range of positions at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from clickhouse_connect.driver.client import Client

from projections.clickhouse.rows.fields import MOMENTS
from projections.postgres.departed import PRESENT
from projections.rebuild.analytics_fill import PREFIX, AnalyticsTable
from projections.rebuild.partitions import hashes_of
from projections.verify.decoding import decoded
from projections.verify.fault import CLICKHOUSE, Fault
from schemas.codec import Codec, Event
from schemas.topics import all_topics

Conn = psycopg.Connection[Any]
Rows = Mapping[int, Sequence[tuple[Any, ...]]]

_RANGE: Final = 10_000
_READ: Final = f"""
SELECT bytes, position FROM log.events
WHERE position > %s AND position <= %s AND type = ANY(%s) AND {PRESENT} ORDER BY position
"""  # noqa: S608 - put together from constants
_LEAVING: Final = f"""
SELECT position FROM log.events WHERE position > %s AND position <= %s AND NOT {PRESENT}
"""  # noqa: S608 - put together from constants
_STANDING: Final = """
SELECT topic, partition, position FROM state.positions WHERE consumer = 'analytics'
"""


class TableCheck:
    """Checks one table. `conn` is in autocommit; `pause` is called after each range."""

    def __init__(
        self,
        conn: Conn,
        client: Client,
        codec: Codec,
        table: AnalyticsTable,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._conn = conn
        self._client = client
        self._codec = codec
        self._table = table
        self._pause = pause
        kinds = codec.registry.topic_of.items()
        self._types = sorted(kind for kind, topic in kinds if topic in table.topics)
        self.events = 0

    def faults(self) -> Iterator[Fault]:
        """Every fault of the table. An event that the writer has not reached yet is none."""
        standing = {(t, n): at for t, n, at in self._conn.execute(_STANDING).fetchall()}
        head = self._head()
        for low in range(0, head, _RANGE):
            high = min(low + _RANGE, head)
            rows = self._conn.execute(_READ, (low, high, self._types)).fetchall()
            events = decoded(self._codec, rows, None)
            self.events += len(events)
            stored = self._stored(low, high)
            for (position,) in self._conn.execute(_LEAVING, (low, high)).fetchall():
                stored.pop(position, None)  # on its way out
            yield from self._compared(events, stored, standing)
            self._pause()
        beyond = self._client.query(
            f"SELECT position FROM {self._table.name}"  # noqa: S608
            f" WHERE position = 0 OR position > {self._head()}"
        ).result_rows
        for (position,) in beyond:
            yield self._fault("extra", position, "", "the log has no such position")

    def _head(self) -> int:
        row = self._conn.execute("SELECT max(position) FROM log.events").fetchone()
        return int(row[0] or 0) if row else 0

    def _stored(self, low: int, high: int) -> dict[int, list[tuple[Any, ...]]]:
        columns = ", ".join(map(_as_plain, self._table.columns))
        found: dict[int, list[tuple[Any, ...]]] = {}
        for row in self._client.query(
            f"SELECT {columns} FROM {self._table.name}"  # noqa: S608
            f" WHERE position > {low} AND position <= {high}"
        ).result_rows:
            found.setdefault(row[0], []).append(tuple(row))
        return found

    def _compared(
        self, events: Sequence[Event], stored: Rows, standing: Mapping[tuple[str, int], int]
    ) -> Iterator[Fault]:
        left = dict(stored)
        hashes = hashes_of([event.stream_id for event in events])
        for event, hashed in zip(events, hashes, strict=True):
            row = self._row(event)
            found = left.pop(event.position, ())
            if row is None and found:
                yield self._fault("extra", event.position, event.type, "it makes no row")
            elif row is not None and not found:
                place = event.topic, hashed % all_topics()[event.topic].partitions
                if event.position <= standing.get(place, 0):
                    yield self._fault("lost", event.position, event.type, "its row is missing")
            elif row is not None:
                yield from self._same(event, row, found)
        for position in left:
            yield self._fault("extra", position, "", "the log has no such event for this table")

    def _row(self, event: Event) -> tuple[Any, ...] | None:
        row = self._table.row(event)
        if row is None:
            return None
        named = zip(self._table.columns, row, strict=True)
        return tuple(round(v * 1_000_000) if name in MOMENTS else v for name, v in named)

    def _same(
        self, event: Event, row: tuple[Any, ...], found: Sequence[tuple[Any, ...]]
    ) -> Iterator[Fault]:
        if len(found) > 1:
            yield self._fault("doubled", event.position, event.type, f"there are {len(found)} rows")
        elif found[0] != row:
            pairs = zip(self._table.columns, row, found[0], strict=True)
            detail = "; ".join(f"{n} is {b!r}, not {a!r}" for n, a, b in pairs if a != b)
            yield self._fault("altered", event.position, event.type, detail)

    def _fault(self, kind: str, position: int, event: str, detail: str) -> Fault:
        model = PREFIX + self._table.name
        return Fault(CLICKHOUSE, model, kind, str(position), position, event, detail, model)


def _as_plain(column: str) -> str:
    """Ids as text and times as microseconds, as the row mappers have them."""
    if column.endswith("_id"):
        return f"toString({column})"
    return f"toUnixTimestamp64Micro({column})" if column in MOMENTS else column

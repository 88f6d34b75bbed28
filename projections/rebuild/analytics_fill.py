"""ClickHouse: ranges of the log into a shadow table, each range once, whatever is killed.

Rows are made as the analytics writer makes them. What is inserted for a range depends on nothing
but the range, and so does its deduplication token: a range that is filled again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from projections.clickhouse.inserts import Insert, Inserter
from projections.clickhouse.record_rows import SPECIAL
from projections.clickhouse.rows import events as event_rows
from projections.clickhouse.rows.fields import Row, ensure_ids
from projections.postgres.departed import PRESENT
from projections.rebuild import records
from projections.rebuild.errors import BusyError, UnfoldableEventError, UnknownViewError
from projections.rebuild.partitions import hashes_of
from schemas.codec import Codec, Event
from schemas.topics import all_topics

Conn = psycopg.Connection[Any]
Place = tuple[str, int]

PREFIX: Final = "clickhouse."
SPAN: Final = 20_000
"""Positions of a range."""
_FETCH: Final = 5_000
_BLOCK_ROWS: Final = 10_000
_BLOCK_BYTES: Final = 8_000_000
_READ: Final = f"""
SELECT bytes, position FROM log.events
WHERE position > %(low)s AND position <= %(high)s AND type = ANY(%(types)s) AND {PRESENT}
ORDER BY position
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class AnalyticsTable:
    """A table that is filled from events; `row` gives None for an event that makes no row."""

    name: str
    topics: tuple[str, ...]
    columns: Sequence[str]
    row: Callable[[Event], Row | None]
    ids: Callable[[Event], tuple[str, ...]]

    @property
    def shadow(self) -> str:
        """What the shadow is called, in the same database."""
        return f"shadow_{self.name}"


def tables(codec: Codec) -> dict[str, AnalyticsTable]:
    """The tables by the names that `nudge projections` gives them."""
    topics = tuple(sorted(codec.registry.topics))
    found = [
        AnalyticsTable(
            event_rows.TABLE, topics, event_rows.COLUMNS, event_rows.row, event_rows.ids
        ),
        *(
            AnalyticsTable(each.table, (topic,), each.columns, each.row, each.ids)
            for topic, each in SPECIAL.items()
        ),
    ]
    return {PREFIX + table.name: table for table in found}


def table_of(codec: Codec, name: str) -> AnalyticsTable:
    """A table by that name. Raises UnknownViewError."""
    known = tables(codec)
    if name not in known:
        raise UnknownViewError(name, list(known))
    return known[name]


@dataclass
class Filled:
    """What a range held: events, rows made of them, the highest position of each partition."""

    events: int = 0
    rows: int = 0
    reached: dict[Place, int] = field(default_factory=dict)


class Filler:
    """Fills one shadow. The connection must not be in autocommit; nothing is written with it."""

    def __init__(self, conn: Conn, inserter: Inserter, codec: Codec, table: AnalyticsTable) -> None:
        self._conn = conn
        self._inserter = inserter
        self._codec = codec
        self._table = table
        topic_of = codec.registry.topic_of
        self._types = sorted(kind for kind, topic in topic_of.items() if topic in table.topics)
        self._counts = {topic: all_topics()[topic].partitions for topic in table.topics}

    def fill(
        self, low: int, high: int, token: str, wanted: Callable[[Place, int], bool] | None = None
    ) -> Filled:
        """Insert positions above `low` up to `high`; with `wanted` only those it says yes to.

        `token` must be the same whenever the same is filled. Raises what clickhouse-connect
        raises, and UnfoldableEventError for bytes that are no event.
        """
        filled = Filled()
        block: list[Row] = []
        size = 0
        first = low
        for values, events in self._read(low, high):
            made = zip(events, self._places(events), self._rows(events), values, strict=True)
            for event, place, row, value in made:
                if wanted is not None and not wanted(place, event.position):
                    continue
                filled.events += 1
                filled.reached[place] = event.position
                if row is not None:
                    block.append(row)
                    size += len(value)
                if len(block) >= _BLOCK_ROWS or size >= _BLOCK_BYTES:
                    filled.rows += self._insert(block, f"{token}-{first}-{event.position}")
                    block, size, first = [], 0, event.position
        filled.rows += self._insert(block, f"{token}-{first}-{high}")
        return filled

    def _read(self, low: int, high: int) -> Iterator[tuple[list[bytes], list[Event]]]:
        with self._conn.cursor("log", binary=True) as cursor:
            cursor.itersize = _FETCH
            cursor.execute(_READ, {"low": low, "high": high, "types": self._types})
            while rows := cursor.fetchmany(_FETCH):
                try:
                    events = self._codec.decode_batch(rows, None)
                except Exception as error:
                    raise UnfoldableEventError(
                        f"positions {rows[0][1]} to {rows[-1][1]} cannot be read: {error}"
                    ) from error
                yield [value for value, _ in rows], events

    def _places(self, events: Sequence[Event]) -> list[Place]:
        """Topic and partition of each event."""
        hashes = hashes_of([event.stream_id for event in events])
        counts = self._counts
        return [
            (event.topic, hashed % counts[event.topic])
            for event, hashed in zip(events, hashes, strict=True)
        ]

    def _rows(self, events: Sequence[Event]) -> list[Row | None]:
        """The events' rows. Raises UnfoldableEventError, as the writer refuses such an event."""
        try:
            return self._made(events)
        except Exception:
            for event in events:
                try:
                    self._made([event])
                except Exception as error:
                    raise UnfoldableEventError(
                        f"the event at position {event.position} makes no row: {error}"
                    ) from error
            raise

    def _made(self, events: Sequence[Event]) -> list[Row | None]:
        table = self._table
        for ids in {event_rows.ids, table.ids}:
            ensure_ids([text for event in events for text in ids(event)])
        return [table.row(event) for event in events]

    def _insert(self, rows: list[Row], token: str) -> int:
        if rows:
            table = self._table
            self._inserter.insert(
                [Insert(table.shadow, table.columns, rows, f"{token}-{table.name}")]
            )
        return len(rows)


def fill_part(
    conn: Conn,
    filler: Filler,
    rebuild: records.Rebuild,
    part: int,
    going_on: Callable[[], bool] = lambda: True,
) -> None:
    """Fill one share of a rebuild's ranges: every n-th of them. Raises BusyError when another
    process has the share."""
    shares = records.parts_of(conn, rebuild.id)
    mine = next((share for share in shares if share.part == part), None)
    conn.commit()
    if mine is None:
        raise BusyError(f"the rebuild of {rebuild.view} was given up meanwhile")
    span = int(rebuild.details["span"])
    number = mine.position // span - 1 + len(shares) if mine.position else part
    while number * span < rebuild.high and mine.position < rebuild.high and going_on():
        low, high = number * span, min((number + 1) * span, rebuild.high)
        filled = filler.fill(low, high, f"rebuild-{rebuild.id}")
        reached = {f"{topic}/{n}": position for (topic, n), position in filled.reached.items()}
        after = records.Part(
            part,
            high,
            mine.events + filled.events,
            mine.rows + filled.rows,
            {**mine.reached, **reached},
        )
        records.advance(conn, rebuild.id, mine, after)
        conn.commit()
        mine = after
        number += len(shares)

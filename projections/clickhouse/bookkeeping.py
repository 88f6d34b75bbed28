"""Where the ClickHouse writer stands, in Postgres: positions, and bounds of batches under way.

Bounds are recorded before a batch is inserted and deleted, in one transaction with the new
position, after it. Whoever finds bounds inserts exactly that batch again, under the same token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

Partition = tuple[str, int]

LOCK = """
SELECT pg_advisory_xact_lock(key) FROM (
  SELECT hashtextextended('analytics/' || topic || '/' || partition, 0) AS key
  FROM unnest(%s::text[], %s::int[]) AS wanted (topic, partition) ORDER BY 1
) AS keys
"""
_LOAD = """
SELECT topic, partition, p.next_offset, p.position, b.first_offset, b.last_offset
FROM unnest(%s::text[], %s::int[]) AS wanted (topic, partition)
LEFT JOIN state.analytics_batches b USING (topic, partition)
LEFT JOIN (SELECT * FROM state.positions WHERE consumer = 'analytics') p USING (topic, partition)
"""
_BEGIN = """
INSERT INTO state.analytics_batches (topic, partition, first_offset, last_offset)
SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[])
"""
_STORE = """
INSERT INTO state.positions AS p (consumer, topic, partition, next_offset, position)
SELECT 'analytics', * FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[])
ON CONFLICT (consumer, topic, partition) DO UPDATE
SET next_offset = excluded.next_offset, position = greatest(p.position, excluded.position),
    updated_at = now()
WHERE p.next_offset < excluded.next_offset
"""
_FORGET = """
DELETE FROM state.analytics_batches b
USING unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[]) AS d (topic, partition, first, last)
WHERE b.topic = d.topic AND b.partition = d.partition
  AND b.first_offset = d.first AND b.last_offset = d.last
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored for a partition. `next_offset` is None before its first batch; `bounds` are
    the first and last offset of a batch that may or may not be in ClickHouse."""

    next_offset: int | None
    position: int
    bounds: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A batch about to be written: its bounds, its last position, and what it builds on."""

    first: int
    last: int
    position: int
    standing: Standing


class Bookkeeping:
    """The writer's transactions. Every method blocks and raises psycopg.OperationalError when
    Postgres is away. Two processes that work on one partition exclude each other."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def departed(self) -> frozenset[str]:
        """Organizations of whose events no rows are made any more."""
        with self._pool.connection() as connection:
            rows = connection.execute("SELECT organization_id::text FROM state.departed")
            return frozenset(row[0] for row in rows.fetchall())

    def load(self, partitions: Iterable[Partition]) -> dict[Partition, Standing]:
        """Where each partition stands."""
        with self._locked(partitions) as (connection, wanted):
            return _load(connection, wanted)

    def begin(self, batches: Mapping[Partition, Planned]) -> dict[Partition, Standing]:
        """Records the bounds of `batches`; returns where their partitions stand now.

        A batch may be inserted only if the returned bounds are its own; else somebody else was
        there first, and nothing was recorded for it.
        """
        with self._locked(batches) as (connection, wanted):
            found = _load(connection, wanted)
            fresh = [
                (partition, batch.first, batch.last)
                for partition, batch in batches.items()
                if found[partition] == batch.standing and batch.standing.bounds is None
            ]
            if fresh:
                connection.execute(_BEGIN, _columns(fresh))
            for partition, first, last in fresh:
                before = found[partition]
                found[partition] = Standing(before.next_offset, before.position, (first, last))
        return found

    def complete(self, batches: Mapping[Partition, Planned]) -> dict[Partition, Standing]:
        """Stores the positions behind `batches` and forgets their bounds; returns the standings."""
        done = batches.items()
        with self._locked(batches) as (connection, wanted):
            connection.execute(_STORE, _columns([(p, b.last + 1, b.position) for p, b in done]))
            connection.execute(_FORGET, _columns([(p, b.first, b.last) for p, b in done]))
            return _load(connection, wanted)

    @contextmanager
    def _locked(
        self, partitions: Iterable[Partition]
    ) -> Iterator[tuple[Connection[Any], list[Partition]]]:
        wanted = sorted(partitions)
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(LOCK, _names(wanted))
            yield connection, wanted


def _load(connection: Connection[Any], wanted: list[Partition]) -> dict[Partition, Standing]:
    rows = connection.execute(_LOAD, _names(wanted)).fetchall()
    return {
        (topic, partition): Standing(
            next_offset, position or 0, None if first is None else (first, last)
        )
        for topic, partition, next_offset, position, first, last in rows
    }


def _names(wanted: Iterable[Partition]) -> tuple[list[str], list[int]]:
    pairs = list(wanted)
    return [topic for topic, _ in pairs], [partition for _, partition in pairs]


def _columns(
    rows: Iterable[tuple[Partition, int, int]],
) -> tuple[list[str], list[int], list[int], list[int]]:
    listed = list(rows)
    topics, partitions = _names(partition for partition, _, _ in listed)
    return topics, partitions, [one for _, one, _ in listed], [two for _, _, two in listed]

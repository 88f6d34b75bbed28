"""The projections' consumer: a batch of events into rows, counters and positions, at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import psycopg

from domain.shared.faults import FaultPoint, Reach, unarmed
from projections.batch import Batch, Record
from projections.postgres import counters, positions
from projections.postgres.departed import departed, present
from projections.postgres.folding import fold_events
from projections.postgres.tables import SMALL, Table, alike, open_tables
from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from schemas.codec import Codec, Event
from schemas.ports import KeyRing

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""A connection whose block is one transaction, such as `psycopg_pool.ConnectionPool.connection`."""

Observe = Callable[[str, int, float], None]
"""Told after each commit: topic, events folded, seconds."""

COUNTED = "deliveries"
"""The view whose rows the campaign counters sum."""

ERASURES: Final = frozenset({"ContactErased", "UserRemoved", "InvitationRevoked"})
"""What destroys the key of a person: it reaches every copy of a row, also in a shadow that does not
follow, because it stands still, is only begun, or was left behind."""


def _unobserved(_topic: str, _events: int, _seconds: float) -> None:
    return None


class ProjectionWriter:
    """Keeps the Postgres views, several of them per topic, each with its own position.

    `handle` stores a batch in one transaction: rows, counters and positions together, or nothing.
    Records that a view already has are dropped, so repeats and overlaps change nothing. Safe to
    call from several threads. Raises psycopg.OperationalError when Postgres is away (try again);
    anything else is the batch's fault.
    """

    name = "projections"

    def __init__(
        self,
        connect: Connect,
        codec: Codec,
        keys: KeyRing,
        *,
        views: Sequence[View[Any]] = ALL_VIEWS,
        observe: Observe = _unobserved,
        reach: Reach = unarmed,
    ) -> None:
        self._connect = connect
        self._codec = codec
        self._keys = keys
        self._views = {view.name: view for view in views}
        self._observe = observe
        self._reach = reach
        self._tables: dict[str, dict[str, Table]] = {}
        self._by_topic = views_by_topic(codec, views)
        self.topics: tuple[str, ...] = tuple(sorted(self._by_topic))

    def next_offsets(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where to resume: the furthest-behind view decides; a missing one begins at the start."""
        with self._connect() as conn:
            return positions.resume_points(conn, self._by_topic, partitions)

    def handle(self, batch: Batch) -> None:
        """Fold and store the batch. See the class for what holds when it fails."""
        if not batch:
            return
        began = time.perf_counter()
        with self._connect() as conn, _few_round_trips(conn, batch):
            folded = self._store(conn, batch)
        self._observe(batch.topic, folded, time.perf_counter() - began)

    def skip(self, batch: Batch) -> None:
        """Move past a batch without folding it: its record is on the dead-letter topic."""
        views = self._by_topic.get(batch.topic, [])
        if batch and views:
            partition = (batch.topic, batch.partition)
            with self._connect() as conn:
                stored = positions.lock(conn, views, partition)
                shadows = _following(conn, stored, partition)
                consumers = [*views, *map(positions.shadow_of, shadows)]
                positions.advance(conn, consumers, partition, batch.next_offset, _position(batch))

    def _store(self, conn: psycopg.Connection[Any], batch: Batch) -> int:
        views = self._by_topic.get(batch.topic, [])
        if not views:
            return 0
        partition = (batch.topic, batch.partition)
        stored = positions.lock(conn, views, partition)
        shadows = _following(conn, stored, partition)
        left = batch.after(min(stored.values()))
        if not left:
            return 0
        events = present(self._decode(left.records, views), departed(conn))
        for name in views:
            todo = [event for offset, event in events if offset >= stored[name]]
            for schema in ("views", "shadow") if name in shadows else ("views",):
                self._fold(conn, self._views[name], todo, schema)
            if name not in shadows:
                self._erase(conn, name, todo)
        self._reach(FaultPoint.PROJECTOR_BEFORE_POSITION)
        consumers = [*views, *map(positions.shadow_of, shadows)]
        positions.advance(conn, consumers, partition, left.next_offset, left.position)
        conn.execute("NOTIFY nudge_views")
        return len(events)

    def _decode(self, records: Sequence[Record], views: Sequence[str]) -> list[tuple[int, Event]]:
        """Offset and event of every record; without keys when no view of the topic needs them."""
        sealed = any(self._views[name].reads_sealed for name in views)
        events = self._codec.decode_batch(
            [(record.value, record.position) for record in records], self._keys if sealed else None
        )
        return [(record.offset, event) for record, event in zip(records, events, strict=True)]

    def _fold(
        self, conn: psycopg.Connection[Any], view: View[Any], events: list[Event], schema: str
    ) -> None:
        mine = [event for event in events if event.type in view.events]
        if not mine:
            return
        table = self._table(conn, view, schema)
        known = table.load(conn, {view.key_of(event) for event in mine})
        changes = fold_events(view, known, mine)
        if changes:
            table.store(conn, [change.after for change in changes.values()])
            if view.name == COUNTED:
                counters.add(conn, counters.deltas(changes.values()), schema)

    def _erase(self, conn: psycopg.Connection[Any], name: str, events: list[Event]) -> None:
        """A shadow that does not follow forgets people all the same. Its rows stay where they
        stand, so that a rebuild that goes on folds the rest into them; those of a shadow that can
        only be built anew go."""
        view = self._views[name]
        erased = {view.key_of(e): e for e in events if e.type in ERASURES & view.events}
        if not erased or not _is_there(conn, name):
            return
        if not alike(conn, tables_of(name)):
            forget = f"DELETE FROM shadow.{name} WHERE {view.key} = ANY(%s::uuid[])"  # noqa: S608
            conn.execute(forget.encode(), (sorted(erased),))
            return
        table = self._table(conn, view, "shadow")
        known = table.load(conn, erased)
        if known:
            table.store(conn, [_blank(view, row, erased[key]) for key, row in known.items()])

    def _table(self, conn: psycopg.Connection[Any], view: View[Any], schema: str) -> Table:
        if schema not in self._tables:
            self._tables[schema] = open_tables(conn, self._views.values(), schema)
        return self._tables[schema][view.name]


def _few_round_trips(conn: psycopg.Connection[Any], batch: Batch) -> AbstractContextManager[object]:
    """Statements whose answers nobody waits for travel together: on a busy machine each round
    trip of a small batch costs as much as its work. COPY, which large ones need, cannot."""
    return conn.pipeline() if len(batch) <= SMALL else nullcontext()


def tables_of(view: str) -> tuple[str, ...]:
    """The tables that a view's events change, its own first."""
    return (view, "campaign_counters") if view == COUNTED else (view,)


def _following(
    conn: psycopg.Connection[Any], stored: Mapping[str, int], partition: positions.Partition
) -> list[str]:
    """Views whose shadow is to get the batch, too. One that a migration has left with other
    columns than the live table must not make the batch fail: it is left behind."""
    found = positions.lock_shadows(conn, stored, partition)
    return [view for view in found if alike(conn, tables_of(view))]


def _is_there(conn: psycopg.Connection[Any], view: str) -> bool:
    """Whether the view has a shadow, finished or not."""
    found = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (f"shadow.{view}",)).fetchone()
    return bool(found and found[0])


def _blank(view: View[Any], row: Any, event: Event) -> Any:
    """The row without the person, at the position where it stands."""
    blank: Any = view.fold(row, event)
    return blank._replace(position=row.position, version=row.version)


def _position(batch: Batch) -> int:
    """The batch's position; 0, which moves nothing, when its header is what is broken."""
    try:
        return batch.position
    except ValueError:
        return 0


def views_by_topic(codec: Codec, views: Sequence[View[Any]]) -> dict[str, list[str]]:
    """Names of the views that read each topic."""
    found: dict[str, list[str]] = {}
    for view in views:
        for topic in sorted({codec.registry.topic_of[event_type] for event_type in view.events}):
            found.setdefault(topic, []).append(view.name)
    return found

"""Rows folded anew from the log, where a view passed over an event of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg

from projections.batch import Record
from projections.postgres import counters, positions
from projections.postgres.departed import departed
from projections.postgres.folding import Change, fold_events
from projections.postgres.tables import open_tables
from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from projections.postgres.writer import COUNTED, views_by_topic
from schemas.codec import Codec, Event
from schemas.ports import KeyRing

_STREAM: Final = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND position <= %s ORDER BY position
"""
_REACHED: Final = """
    SELECT position FROM state.positions WHERE consumer = %s AND topic = %s AND partition = %s
"""


class NotPassedError(Exception):
    """The consumer still has the record before it, and will come to it by itself."""


class Refolder:
    """Brings rows to what they would be had no event of theirs been passed over.

    A fold ignores what is older than its row, so the event alone would change nothing: the row is
    folded again from the first event of its stream to the view's own position; so is its shadow,
    where one follows. The positions are locked, so that the live writer waits. Repeating it
    changes nothing.
    """

    def __init__(self, codec: Codec, keys: KeyRing, views: Sequence[View[Any]] = ALL_VIEWS) -> None:
        self._codec = codec
        self._keys = keys
        self._views = {view.name: view for view in views}
        self._by_topic = views_by_topic(codec, views)

    def refold(self, conn: psycopg.Connection[Any], record: Record, event: Event) -> int:
        """Rows that changed, on the caller's transaction. Raises NotPassedError.

        `event` is the record's, as the log has it.
        """
        names = self._by_topic.get(record.topic, [])
        partition = (record.topic, record.partition)
        stored = positions.lock(conn, names, partition)
        shadows = positions.lock_shadows(conn, stored, partition)
        left = event.organization_id in departed(conn)
        changed = 0
        for name in names:
            if stored[name] <= record.offset:
                raise NotPassedError(f"{name} has not come to offset {record.offset} yet, and will")
            view = self._views[name]
            if event.type in view.events and not left:
                for schema in ("views", "shadow") if name in shadows else ("views",):
                    changed += self._one_row(conn, view, partition, event, schema)
        if changed:
            conn.execute("NOTIFY nudge_views")
        return changed

    def _one_row(
        self,
        conn: psycopg.Connection[Any],
        view: View[Any],
        partition: positions.Partition,
        event: Event,
        schema: str,
    ) -> int:
        reached = conn.execute(_REACHED, (view.name, *partition)).fetchone()
        key = view.key_of(event)
        events = self._events(
            conn, event.stream_id, max(reached[0] if reached else 0, event.position)
        )
        after = fold_events(view, {}, _mine(view, events)).get(key)
        table = open_tables(conn, [view], schema)[view.name]
        before = table.load(conn, [key]).get(key)
        if after is None or after.after == before:
            return 0
        table.store(conn, [after.after])
        if view.name == COUNTED:
            counters.add(conn, counters.deltas([Change(before, after.after)]), schema)
        return 1

    def _events(self, conn: psycopg.Connection[Any], stream_id: str, position: int) -> list[Event]:
        rows = conn.execute(_STREAM, (stream_id, position)).fetchall()
        return self._codec.decode_batch(rows, self._keys)


def _mine(view: View[Any], events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.type in view.events]

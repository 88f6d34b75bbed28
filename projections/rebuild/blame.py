"""Which event made a row what it is not: its stream folded again, event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from projections.postgres.view import View
from schemas.codec import Codec, Event
from schemas.ports import KeyRing

Conn = psycopg.Connection[Any]
Row = Mapping[str, Any]

_STREAM = """
SELECT bytes, position FROM log.events
WHERE stream_id = (SELECT stream_id FROM log.events WHERE position = %s) AND position <= %s
ORDER BY version
"""
_SAMPLE = 300
_SAME = """
SELECT array_agg(DISTINCT e.type) FROM (
  SELECT l.position FROM views.{table} AS l JOIN shadow.{table} AS s USING ({key})
  WHERE l::text = s::text LIMIT %s) AS same
JOIN log.events AS p ON p.position = same.position JOIN log.events AS e ON e.stream_id = p.stream_id
GROUP BY e.stream_id
"""
_TELLING = 0.9
_ALWAYS_MOVES = frozenset({"position", "version", "updated_at"})


@dataclass(frozen=True, slots=True)
class Culprit:
    """The event after which a row and the one it is compared with part.

    `certain` when both folds were run; else it is the event by which this version's fold left
    what the other row still holds.
    """

    position: int
    type: str
    version: int
    certain: bool


def events_of_row(
    conn: Conn, view: View[Any], codec: Codec, keys: KeyRing, position: int, key: str, upto: int
) -> list[Event]:
    """The events of the row `key`, one of which stands at `position`, up to another position."""
    rows = conn.execute(_STREAM, (position, upto)).fetchall()
    events = codec.decode_batch(rows, keys if view.reads_sealed else None)
    return [e for e in events if e.type in view.events and view.key_of(e) == key]


def states(view: View[Any], events: Sequence[Event]) -> list[Any]:
    """The row after each event."""
    row, found = None, []
    for event in events:
        row = view.fold(row, event)
        found.append(row)
    return found


def parted(view: View[Any], other: View[Any], events: Sequence[Event]) -> Culprit | None:
    """The first event after which two folds disagree."""
    for event, one, two in zip(events, states(view, events), states(other, events), strict=True):
        if one != two:
            return Culprit(event.position, event.type, event.version, certain=True)
    return None


def left(
    view: View[Any],
    events: Sequence[Event],
    sides: tuple[Row | None, Row | None],
    columns: Sequence[str],
) -> Culprit | None:
    """The event by which this version's fold left what the other side holds.

    One of the two sides is what this fold makes; the other was made otherwise. For a row that
    only one side has it is the event that made it. A value that the fold never had is blamed on
    the first event that moved its column.
    """
    rows = [None if row is None else row._asdict() for row in states(view, events)]
    if not events:
        return None
    if None in sides:
        made = next((n for n, row in enumerate(rows) if row is not None), 0)
        return _culprit(events[made])
    other = sides[0] if rows[-1] == sides[1] or rows[-1] != sides[0] else sides[1]
    named = [name for name in columns if name not in _ALWAYS_MOVES] or list(columns)
    found = [_column(events, rows, other or {}, name) for name in named]
    return min(filter(None, found), key=lambda culprit: culprit.position, default=None)


def suspect(conn: Conn, view: View[Any], differing: Sequence[Sequence[Event]]) -> str | None:
    """The type of event that streams of differing rows have and those of equal rows have not.

    None when no type tells them apart: then something happened to single rows.
    """
    names = {"table": sql.Identifier(view.name), "key": sql.Identifier(view.key)}
    same = [set(row[0]) for row in conn.execute(sql.SQL(_SAME).format(**names), (_SAMPLE,))]
    wrong = [{event.type for event in events} for events in differing]
    if len(wrong) < 2 or not same:
        return None

    def telling(kind: str) -> float:
        """Share of the differing that have it, less that of the equal."""
        return _share(kind, wrong) - _share(kind, same)

    best = max(sorted(set().union(*wrong)), key=telling, default=None)
    return best if best is not None and telling(best) >= _TELLING else None


def _share(kind: str, streams: Sequence[set[str]]) -> float:
    return sum(kind in types for types in streams) / len(streams)


def first_of(kind: str, events: Sequence[Event]) -> Culprit | None:
    """The first event of a type."""
    return next((_culprit(event) for event in events if event.type == kind), None)


def _column(
    events: Sequence[Event], rows: Sequence[Row | None], other: Row, name: str
) -> Culprit | None:
    values = [row[name] if row is not None else None for row in rows]
    held = [n for n, row in enumerate(rows) if row is not None and row[name] == other[name]]
    if held and held[-1] + 1 < len(events):
        return _culprit(events[held[-1] + 1])
    made = next((n for n, row in enumerate(rows) if row is not None), None)
    if made is None:
        return None
    moved = (n for n in range(made + 1, len(rows)) if values[n] != values[n - 1])
    return _culprit(events[next(moved, made)])


def _culprit(event: Event) -> Culprit:
    return Culprit(event.position, event.type, event.version, certain=False)

"""From the log to Kafka: the shadow is brought to where the live table stands, and follows it.

The live table's own positions say which offset belongs to which position: under their locks the
shadow gets every event the live table has, and copies of those positions. From then on the
projections fold each batch into both tables in one transaction, so neither can miss an event that
the other has, and an event that comes again changes nothing: its row already has its position.
"""

from __future__ import annotations

from typing import Any

import psycopg

from projections.postgres import positions
from projections.postgres.view import View
from projections.rebuild import records, shadow
from projections.rebuild.build import Builder
from projections.rebuild.errors import NoShadowError
from schemas.codec import Codec
from schemas.ports import KeyRing
from schemas.topics import all_topics

Conn = psycopg.Connection[Any]

_HIGHEST = """
SELECT max(position) FROM state.positions
WHERE consumer = %(view)s AND topic = ANY(%(topics)s)
"""
_COPY = """
INSERT INTO state.positions (consumer, topic, partition, next_offset, position)
SELECT %(shadow)s, topic, partition, next_offset, position FROM state.positions
WHERE consumer = %(view)s AND topic = ANY(%(topics)s)
ON CONFLICT (consumer, topic, partition) DO UPDATE
SET next_offset = excluded.next_offset, position = excluded.position, updated_at = now()
"""


def topics_of(view: View[Any], codec: Codec) -> list[str]:
    """The topics whose events a view folds."""
    return sorted({codec.registry.topic_of[each] for each in view.events})


def hand_over(conn: Conn, view: View[Any], codec: Codec, keys: KeyRing) -> None:
    """Fold what is still missing and let the projections go on with it, in one transaction.

    The projections wait meanwhile, so the shadow should be near the end of the log by then. The
    connection must be in autocommit.
    """
    with conn.transaction():
        lock_positions(conn, view, codec)
        topics = topics_of(view, codec)
        names = {"view": view.name, "shadow": positions.shadow_of(view.name), "topics": topics}
        row = conn.execute(_HIGHEST, names).fetchone()
        known = records.find(conn, view.name)
        if known is None or known.as_of is not None:
            raise NoShadowError(f"the rebuild of {view.name} was given up meanwhile")
        high = max(known.high, row[0] if row else 0)
        Builder(conn, view, codec, keys).fold_range(known.high, high)
        conn.execute(_COPY, names)
        records.change(conn, view.name, state="following", high=high)


def lock_positions(conn: Conn, view: View[Any], codec: Codec) -> None:
    """Make the projections wait with this view: its positions, partition by partition."""
    for topic in topics_of(view, codec):
        for partition in range(all_topics()[topic].partitions):
            positions.lock(conn, [view.name], (topic, partition))


def stop_following(conn: Conn, view: View[Any]) -> None:
    """The projections, whose positions are locked, leave the shadow alone from now on."""
    conn.execute(
        "DELETE FROM state.positions WHERE consumer = %s", (positions.shadow_of(view.name),)
    )


def let_go(conn: Conn, view: View[Any], codec: Codec) -> None:
    """Drop the shadow, if there is one: the projections stop following it first."""
    with conn.transaction():
        lock_positions(conn, view, codec)
        stop_following(conn, view)
        shadow.drop(conn, view.name)
        records.forget(conn, view.name)

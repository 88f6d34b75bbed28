"""Where each view stands in each partition, stored in the transaction that changes its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg

Partition = tuple[str, int]
"""Topic and partition."""


def lock(
    conn: psycopg.Connection[Any], consumers: Sequence[str], partition: Partition
) -> dict[str, int]:
    """Next offset of each consumer, its row locked until commit.

    Two processes that both hold the partition for a moment take turns here, and the second one
    sees what the first has stored.
    """
    known = _lock(conn, consumers, partition)
    missing = sorted(set(consumers) - set(known))
    if missing:
        conn.execute(
            """INSERT INTO state.positions (consumer, topic, partition, next_offset, position)
               SELECT consumer, %s, %s, 0, 0 FROM unnest(%s::text[]) AS c (consumer)
               ON CONFLICT DO NOTHING""",
            (*partition, missing),
        )
        known |= _lock(conn, missing, partition)
    return known


def shadow_of(view: str) -> str:
    """The consumer that stands for a view's shadow."""
    return f"{view}/shadow"


def lock_shadows(
    conn: psycopg.Connection[Any], stored: Mapping[str, int], partition: Partition
) -> list[str]:
    """Views, of those just locked with `stored`, whose shadow follows; their rows locked, too.

    A shadow follows from the same offset as its view or not at all: one that was left behind
    has a gap, which only a rebuild can close. Asked after the views' own rows are locked, so that
    a shadow handed over meanwhile is seen.
    """
    names = {shadow_of(view): view for view in stored}
    found = _lock(conn, list(names), partition)
    return [names[shadow] for shadow, offset in found.items() if offset == stored[names[shadow]]]


def _lock(
    conn: psycopg.Connection[Any], consumers: Sequence[str], partition: Partition
) -> dict[str, int]:
    rows = conn.execute(
        """SELECT consumer, next_offset FROM state.positions
           WHERE consumer = ANY(%s) AND topic = %s AND partition = %s
           ORDER BY consumer FOR UPDATE""",
        (list(consumers), *partition),
    )
    return dict(rows.fetchall())


def advance(
    conn: psycopg.Connection[Any],
    consumers: Sequence[str],
    partition: Partition,
    next_offset: int,
    position: int,
) -> None:
    """Move locked positions forward, never back."""
    conn.execute(
        """UPDATE state.positions SET next_offset = greatest(next_offset, %s),
               position = greatest(position, %s), updated_at = now()
           WHERE consumer = ANY(%s) AND topic = %s AND partition = %s""",
        (next_offset, position, list(consumers), *partition),
    )


def resume_points(
    conn: psycopg.Connection[Any],
    consumers: Mapping[str, Sequence[str]],
    partitions: Iterable[Partition],
) -> dict[Partition, int]:
    """The lowest next offset of each partition over the consumers of its topic (given by topic).

    A partition that one of them has not begun is left out: it is read from the start.
    """
    stored: dict[Partition, dict[str, int]] = {}
    rows = conn.execute(
        "SELECT consumer, topic, partition, next_offset FROM state.positions WHERE topic = ANY(%s)",
        (list(consumers),),
    )
    for consumer, topic, partition, next_offset in rows:
        if consumer in consumers[topic]:
            stored.setdefault((topic, partition), {})[consumer] = next_offset
    return {
        partition: min(stored[partition].values())
        for partition in partitions
        if len(stored.get(partition, {})) == len(consumers.get(partition[0], ()))
        and partition in stored
    }

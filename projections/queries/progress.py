"""How far the views are: waiting for one's own writes, and lag."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from projections.queries.rows import Conn, Row, fetch_all
from schemas.registry import Registry

Needed = Mapping[tuple[str, int], int]
"""Position by topic and partition, as a consistency token holds them."""


def readers_of(registry: Registry, views: Iterable[View[Any]] = ALL_VIEWS) -> dict[str, set[str]]:
    """Topics by view name."""
    return {view.name: {registry.topic_of[each] for each in view.events} for view in views}


def reached(
    conn: Conn, needed: Needed, views: Iterable[str], topics: Mapping[str, set[str]]
) -> bool:
    """Whether each view has stored every needed position of a partition that it reads.

    `topics` is what `readers_of` gives.
    """
    wanted = [
        (view, topic, partition, position)
        for view in views
        for (topic, partition), position in needed.items()
        if topic in topics[view]
    ]
    if not wanted:
        return True
    names, of_topics, partitions, least = (list(column) for column in zip(*wanted, strict=True))
    behind = conn.execute(
        """SELECT 1 FROM unnest(%s::text[], %s::text[], %s::integer[], %s::bigint[])
               AS w (consumer, topic, partition, least)
           LEFT JOIN state.positions p USING (consumer, topic, partition)
           WHERE coalesce(p.position, 0) < w.least LIMIT 1""",
        (names, of_topics, partitions, least),
    )
    return behind.fetchone() is None


def wait_for(
    listen: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
    needed: Needed,
    views: Iterable[str],
    topics: Mapping[str, set[str]],
    deadline: float,
) -> bool:
    """Wait until the views have `needed`; False when `deadline` (time.monotonic) comes first.

    Blocks the calling thread. `listen` gives an autocommit connection; it is used for LISTEN
    only until this returns. Looks once more after subscribing, so that no commit is missed.
    """
    views = list(views)
    with listen() as conn:
        if reached(conn, needed, views, topics):
            return True
        conn.execute("LISTEN nudge_views")
        try:
            while not reached(conn, needed, views, topics):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                for _ in conn.notifies(timeout=left, stop_after=1):
                    pass
            return True
        finally:
            conn.execute("UNLISTEN nudge_views")


def lag(conn: Conn) -> list[Row]:
    """Where each consumer stands: {view, topic, partition, next_offset, position, updated_at}.

    Events behind are the partition's end on Kafka minus `next_offset`.
    """
    return fetch_all(
        conn,
        """SELECT consumer AS view, topic, partition, next_offset, position, updated_at
           FROM state.positions ORDER BY consumer, topic, partition""",
        [],
    )

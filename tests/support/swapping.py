"""Readers that go on while a read model is swapped, and how long anybody waits for a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

_WAITS = """
SELECT max(extract(epoch FROM clock_timestamp() - waitstart)) * 1000 FROM pg_locks
WHERE NOT granted AND waitstart IS NOT NULL AND mode = 'AccessShareLock'
"""
_READS = (
    "SELECT count(*) FROM views.deliveries WHERE campaign_id = %s AND step = 1",
    "SELECT * FROM views.campaign_counters WHERE campaign_id = %s",
    (
        "SELECT d.*, c.delivered FROM views.deliveries d JOIN views.campaign_counters c"
        " USING (campaign_id, step) WHERE campaign_id = %s LIMIT 50"
    ),
)


@dataclass
class Reading:
    """What readers saw: milliseconds of every read, failures, empty answers, waits for a lock."""

    took: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    empty: int = 0
    longest_wait_ms: float = 0.0
    looks: int = 0


@contextmanager
def reading(
    api_url: str, watcher_url: str, organization: str, campaign: str, per_second: int = 50
) -> Iterator[Reading]:
    """Read as the API does, from two connections, so many times a second while the block runs."""
    found, stop = Reading(), threading.Event()
    threads = [
        threading.Thread(
            target=_read, args=(api_url, organization, campaign, per_second / 2, found, stop)
        )
        for _ in range(2)
    ]
    threads.append(threading.Thread(target=_watch, args=(watcher_url, found, stop)))
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _read(
    api_url: str,
    organization: str,
    campaign: str,
    per_second: float,
    found: Reading,
    stop: threading.Event,
) -> None:
    with psycopg.connect(api_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('nudge.organization', %s, false)", (organization,))
        due, number = time.perf_counter(), 0
        while not stop.is_set():
            began = time.perf_counter()
            try:
                rows = connection.execute(_READS[number % 3], (campaign,)).fetchall()
            except psycopg.Error as error:
                found.failed.append(str(error))
            else:
                found.empty += not rows or rows[0] == (0,)
            found.took.append((time.perf_counter() - began) * 1000)
            number += 1
            due += 1 / per_second
            stop.wait(max(0.0, due - time.perf_counter()))


def _watch(url: str, found: Reading, stop: threading.Event) -> None:
    """The longest that a reader has been waiting for a lock, as Postgres says, every 2 ms."""
    with psycopg.connect(url, autocommit=True) as connection:
        while not stop.wait(0.002):
            row = connection.execute(_WAITS).fetchone()
            found.looks += 1
            found.longest_wait_ms = max(found.longest_wait_ms, float((row and row[0]) or 0))

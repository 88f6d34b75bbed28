"""The sink that all contenders share: our fold into the real deliveries view, and a stopwatch."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg_pool import ConnectionPool

from infra.postgres import prepare_connection
from projections.batch import Batch
from projections.postgres.views.deliveries import VIEW
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec
from schemas.registry import default_registry

TOPIC = "delivery-events"
BATCH = 2_000
"""Events of a partition in a transaction, at most; the same for all."""


@dataclass(frozen=True)
class Task:
    """What a contender is started with."""

    bootstrap: str
    postgres_url: str
    prefix: str
    group: str
    count: int
    """It ends when it has stored so many events."""

    @property
    def topic(self) -> str:
        """The physical topic."""
        return self.prefix + TOPIC

    @classmethod
    def given(cls) -> Task:
        """The task in this process's arguments."""
        bootstrap, postgres_url, prefix, group, count = sys.argv[1:]
        return cls(bootstrap, postgres_url, prefix, group, int(count))


class NoKeys:
    """A key ring that is never asked: the view reads nothing sealed."""

    def keys_of(self, _subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Nobody's."""
        return {}


class TimedWriter:
    """A ProjectionWriter that knows when it began and when it had everything.

    As a handler of ours it is used as it is; the peers hand it batches of their own making.
    """

    name = "projections"
    topics = (TOPIC,)

    def __init__(self, task: Task, on_done: Callable[[], None]) -> None:
        pool = ConnectionPool(
            task.postgres_url, min_size=2, max_size=4, configure=prepare_connection
        )
        codec = Codec(default_registry(), os.urandom)
        self._pool = pool
        self._writer = ProjectionWriter(pool.connection, codec, NoKeys(), views=[VIEW])
        self._left = task.count
        self._on_done = on_done
        self._began: tuple[float, float] | None = None

    def next_offsets(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where to resume."""
        return self._writer.next_offsets(partitions)

    def skip(self, batch: Batch) -> None:
        """A benchmark has no poison."""
        raise RuntimeError(f"a record of {batch.topic} was to be passed over")

    def begin(self) -> None:
        """The first record is here: time runs."""
        if self._began is None:
            self._began = time.perf_counter(), time.process_time()

    def handle(self, batch: Batch) -> None:
        """Fold and store; when it was the last, print seconds and processor seconds as JSON."""
        self.begin()
        self._writer.handle(batch)
        self._left -= len(batch)
        if self._left <= 0 and self._began is not None:
            wall, processor = self._began
            took = time.perf_counter() - wall, time.process_time() - processor
            sys.stdout.write(json.dumps({"seconds": took[0], "processor": took[1]}) + "\n")
            sys.stdout.flush()
            self._on_done()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def logged_to_stderr() -> Any:
    """Leave stdout to the result."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

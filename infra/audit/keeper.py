"""Keeps the tree current: grows it behind the log, signs heads, anchors them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import structlog
from confluent_kafka import KafkaException
from prometheus_client import Counter, Gauge

from domain.audit.heads import EVERY_SECONDS, TreeHead
from infra.audit.anchors import HeadsTopic, file_heads
from infra.audit.tree import (
    State,
    TreeDamagedError,
    grow,
    sign_if_due,
    state_of,
    unfiled_heads,
    unpublished_heads,
)
from infra.postgres import Connection
from infra.signing import Signer

SIZE = Gauge("nudge_tree_size", "Events in the Merkle tree over the log.")
LAG_EVENTS = Gauge("nudge_tree_lag_events", "Positions of the log that are not in the tree yet.")
LAG_SECONDS = Gauge("nudge_tree_lag_seconds", "Age of the oldest event not in the tree yet.")
SIGNED = Counter("nudge_tree_heads_total", "Tree heads signed.")
WAITING = Gauge("nudge_tree_heads_unanchored", "Signed heads not yet in both file and topic.")
_log = structlog.get_logger("tree")

BATCH = 16_384
PAUSE = 1.0
"""Between rounds; what was appended meanwhile is taken in one go, so that appends hardly notice."""
_AFTER_FAILURE = 5.0
_FILED = "UPDATE log.tree_heads SET filed_at = now() WHERE size = ANY(%s)"
_PUBLISHED = "UPDATE log.tree_heads SET published_at = now() WHERE size = ANY(%s)"
_LAG = """
SELECT (SELECT coalesce(max(position), 0) FROM log.events) - %(position)s,
       (SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float FROM log.events
        WHERE position > %(position)s ORDER BY position LIMIT 1)
"""


class TreeKeeper:
    """One keeper. Several may run, in any processes: a row lock lets one work at a time."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        signer: Signer,
        file: Path,
        topic: HeadsTopic,
        *,
        batch: int = BATCH,
        pause: float = PAUSE,
        head_every: float = EVERY_SECONDS,
    ) -> None:
        """`connect` gives a connection of a role that sees every organization's events."""
        self._connect = connect
        self._signer = signer
        self._file = file
        self._topic = topic
        self._batch = batch
        self._pause = pause
        self.head_every = head_every
        self._unanchored = True
        self._anchor_from = 0.0

    def run(self, stop: threading.Event) -> None:
        """Keep the tree until `stop` is set; blocks. Survives whatever fails: it tries again."""
        while not stop.is_set():
            try:
                with self._connect() as connection:
                    while not stop.is_set():
                        began = time.monotonic()
                        full = self.work(connection)
                        # Far behind: as long a rest as it worked, so that appends get their share.
                        stop.wait(time.monotonic() - began if full else self._pause)
            except (psycopg.Error, TreeDamagedError) as error:
                _log.error("the tree stands still", reason=" ".join(str(error).split()))
                stop.wait(_AFTER_FAILURE)

    def work(self, connection: Connection) -> bool:
        """One round; whether there is more to take in at once."""
        with connection.transaction():
            before = state_of(connection, lock=True)
            if before is None:
                return False
            after = grow(connection, before, self._batch)
            if sign_if_due(connection, after, self._signer, self.head_every) is not None:
                SIGNED.inc()
                self._unanchored = True
        self._report(connection, after)
        if self._unanchored and time.monotonic() >= self._anchor_from:
            self._unanchored = not self.anchor(connection)
            self._anchor_from = time.monotonic() + (_AFTER_FAILURE if self._unanchored else 0.0)
        return after.size - before.size >= self._batch

    def anchor(self, connection: Connection) -> bool:
        """Put heads where the database's owner cannot change them; False when some must wait.

        A head may be anchored twice when this process dies in between; the copies are the same.
        """
        filed = self._file_heads(connection)
        heads = unpublished_heads(connection)
        WAITING.set(len(heads))
        try:
            self._topic.publish(heads)
        except KafkaException as error:
            _log.warning("tree heads wait for Kafka", reason=error.args[0].str())
            return False
        with connection.transaction():
            connection.execute(_PUBLISHED, (_sizes(heads),))
        WAITING.set(0 if filed else len(heads))
        return filed

    def _file_heads(self, connection: Connection) -> bool:
        with connection.transaction():
            if state_of(connection, lock=True) is None:
                return False  # another keeper is at it
            if heads := unfiled_heads(connection):
                try:
                    file_heads(self._file, heads)
                except OSError as error:
                    _log.warning("tree heads wait for their file", reason=str(error))
                    return False
                connection.execute(_FILED, (_sizes(heads),))
        return True

    def _report(self, connection: Connection, state: State) -> None:
        with connection.transaction():
            row = connection.execute(_LAG, {"position": state.position}).fetchone()
        events, seconds = row or (0, None)
        SIZE.set(state.size)
        LAG_EVENTS.set(max(events, 0))
        LAG_SECONDS.set(seconds or 0.0)


def _sizes(heads: list[TreeHead]) -> list[int]:
    return [head.size for head in heads]

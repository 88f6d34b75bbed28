"""The relay: carries the event log to Kafka, every position once and in order.

One leader, elected by a session advisory lock, reads the log behind its position and writes each
batch in one Kafka transaction together with that position. The lock makes one relay work; Kafka's
producer epoch makes it safe: whoever starts with the same transactional id fences the one before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from confluent_kafka import KafkaException, Producer
from prometheus_client import Counter, Gauge

from domain.shared.faults import FaultPoint, Reach, unarmed
from infra.kafka import producer_config
from infra.relay_leader import Leadership, LeadershipLostError
from infra.relay_log import LogReader, LogRow
from infra.relay_marker import read_marker
from schemas.registry import default_registry

MARKER_TOPIC = "relay-position"
_SMALL = 100
"""A batch of fewer events is followed by the linger."""
RELAYED = Counter("nudge_relay_events_total", "Events carried from the log to Kafka.")
ABORTED = Counter("nudge_relay_aborted_total", "Kafka transactions aborted and done again.")
POSITION = Gauge("nudge_relay_position", "Highest position that is on Kafka.")
LEADING = Gauge("nudge_relay_leading", "1 while this process is the leader.")
_log = structlog.get_logger("relay")


class RelayError(Exception):
    """The relay must not go on; the process exits with this one line and is started again."""


@dataclass(frozen=True)
class RelaySettings:
    """Where a relay works. Times in seconds."""

    kafka_bootstrap: str
    postgres_url: str
    """Of the role that sees every organization's events."""
    topic_prefix: str = ""
    batch: int = 4_000
    batch_bytes: int = 16 * 1024 * 1024
    """A batch ends with the event that reaches this size, so that memory stays bounded."""
    linger: float = 0.04
    """How long to wait behind a small batch, so that what comes meanwhile shares a transaction:
    each costs the broker and every consumer the same, however little it holds."""
    idle_wait: float = 0.5
    """How long to wait for a notification before looking anyway."""
    kafka_timeout: float = 30.0
    lock_timeout: float = 3.0
    """After so long without a heartbeat Postgres takes the lock from a frozen leader."""

    @property
    def transactional_id(self) -> str:
        return f"{self.topic_prefix}nudge-relay"


class Relay:
    """One relay process. `run` may be called once."""

    def __init__(
        self,
        settings: RelaySettings,
        topic_of: Mapping[str, str] | None = None,
        on_ready: Callable[[], None] = lambda: None,
        reach: Reach = unarmed,
    ) -> None:
        """`topic_of`: logical topic by event type, by default that of the committed schemas.

        `on_ready` is called when this relay leads, or knows that another one does.
        """
        self._settings = settings
        self._topics = {
            event_type.encode(): settings.topic_prefix + topic
            for event_type, topic in (topic_of or default_registry().topic_of).items()
        }
        self._on_ready = on_ready
        self._reach = reach
        self._stop = threading.Event()
        self._marker_topic = settings.topic_prefix + MARKER_TOPIC
        self.position = 0

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set; blocks. Waits while Kafka is away.

        Raises RelayError when the lock or Postgres is lost, when a newer relay has fenced this
        one, or when log and Kafka do not fit together. A leader whose lock is lost in the middle
        of a Kafka call ends the process at once.
        """
        self._stop = stop
        settings = self._settings
        try:
            with Leadership(
                settings.postgres_url, settings.transactional_id, settings.lock_timeout
            ) as leadership:
                if leadership.acquire(stop, self._on_ready):
                    self._lead(leadership)
        except (psycopg.Error, LeadershipLostError) as error:
            raise RelayError(f"Postgres: {_one_line(error)}") from error
        except KafkaException as error:
            raise RelayError(f"Kafka: {error.args[0].str()} ({error.args[0].name()})") from error
        finally:
            LEADING.set(0)

    def _lead(self, leadership: Leadership) -> None:
        settings = self._settings
        producer = self._start_producer()
        if self._stop.is_set():
            return
        self.position = read_marker(
            settings.kafka_bootstrap, self._marker_topic, settings.transactional_id, self._stop
        )
        with LogReader(settings.postgres_url, settings.batch, settings.batch_bytes) as log:
            self._refuse_foreign_log(log.last_position())
            leadership.report_lag(lambda: self.position)
            POSITION.set(self.position)
            LEADING.set(1)
            _log.info("relay leads", position=self.position)
            self._on_ready()
            while not self._stop.is_set():
                leadership.check()
                rows = log.read(self.position)
                if rows:
                    self._relay(producer, rows)
                    if len(rows) < _SMALL:
                        self._stop.wait(settings.linger)
                else:
                    log.wait(settings.idle_wait)

    def _start_producer(self) -> Producer:
        """A producer that has fenced its predecessor and ended that one's open transaction."""
        settings = self._settings
        producer = Producer(
            producer_config(
                settings.kafka_bootstrap,
                transactional_id=settings.transactional_id,
                transaction_timeout_ms=30_000,
                retry_backoff_ms=5,
                queue_buffering_max_messages=max(10_000, settings.batch * 2),
            )
        )
        self._until_done(lambda: producer.init_transactions(settings.kafka_timeout))
        return producer

    def _refuse_foreign_log(self, last: int) -> None:
        if self.position > last:
            raise RelayError(
                f"Kafka has the log up to position {self.position}, but the log ends at {last}: "
                "this database is not the one that was relayed to these topics"
            )

    def _relay(self, producer: Producer, rows: list[LogRow]) -> None:
        """Put one batch on Kafka, whole and once; the same batch again after an abort."""
        while not self._stop.is_set():
            try:
                self._transaction(producer, rows)
            except KafkaException as error:
                if not error.args[0].txn_requires_abort():
                    raise
                ABORTED.inc()
                _log.warning("transaction aborted, again", reason=error.args[0].str())
                self._until_done(lambda: producer.abort_transaction(self._settings.kafka_timeout))
            else:
                return

    def _transaction(self, producer: Producer, rows: list[LogRow]) -> None:
        last = rows[-1][0]
        producer.begin_transaction()
        half = rows[len(rows) // 2][0]
        for position, stream_id, event_type, organization_id, value in rows:
            if position == half:
                self._reach(FaultPoint.RELAY_IN_TRANSACTION)
            headers: list[tuple[str, str | bytes | None]] = [
                ("position", b"%d" % position),
                ("type", event_type),
                ("organization", organization_id),
            ]
            topic = self._topics.get(event_type)
            if topic is None:
                raise RelayError(
                    f"position {position} has the unknown event type {event_type.decode()}: "
                    "this version of the program is older than the log"
                )
            producer.produce(topic, value, stream_id, headers=headers)
        key = self._settings.transactional_id.encode()
        producer.produce(self._marker_topic, b"%d" % last, key, partition=0)
        self._reach(FaultPoint.RELAY_AT_COMMIT)
        if self._until_done(lambda: producer.commit_transaction(self._settings.kafka_timeout)):
            self._reach(FaultPoint.RELAY_AFTER_COMMIT)
            self.position = last
            POSITION.set(last)
            RELAYED.inc(len(rows))
        producer.poll(0)

    def _until_done(self, call: Callable[[], Any]) -> bool:
        """Make a call that waits for the broker again while it may be; False when stopped."""
        while not self._stop.is_set():
            try:
                call()
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                _log.warning("waiting for Kafka", reason=error.args[0].str())
                time.sleep(0.1)
            else:
                return True
        return False


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())

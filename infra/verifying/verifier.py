"""Verification of all stores of an installation; the models that are wrong rebuilt and swapped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from infra.bootstrap import Core
from infra.postgres import Connection, connect
from infra.rebuilding.analytics import AnalyticsDesk
from infra.rebuilding.desk import PostgresDesk
from infra.relay import MARKER_TOPIC, RelaySettings
from infra.relay_marker import read_marker
from infra.verifying.kafka_reader import PartitionReader
from projections.clickhouse.connect import DATABASE
from projections.clickhouse.connect import connect as connect_clickhouse
from projections.postgres.views import ALL_VIEWS
from projections.rebuild.analytics_fill import PREFIX, tables
from projections.verify.analytics import TableCheck
from projections.verify.fault import CLICKHOUSE, KAFKA, POSTGRES, STORES, Fault
from projections.verify.rows import ViewCheck
from projections.verify.topics import TopicCheck
from schemas.topics import all_topics

Say = Callable[[str], None]

LOCK: Final = 7304
_SHARE_OF_TIME: Final = 0.2


class VerifyRunningError(Exception):
    """Another process verifies by its schedule already, or this one is to stop."""


@dataclass
class Verdict:
    """What a verification found: `events` compared by store, faults in the order of the stores."""

    events: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def first(self) -> Fault | None:
        """The fault with the lowest position, if any names an event."""
        named = [fault for fault in self.faults if fault.position]
        return min(named, key=lambda fault: fault.position, default=None)

    def of(self, store: str) -> list[Fault]:
        """The faults of one store."""
        return [fault for fault in self.faults if fault.store == store]


class Verifier:
    """Compares the stores with the log. Reads only.

    A `gentle` one spends a fifth of its time working, and there is one of them at a time; any other
    goes on beside it. `clickhouse_database` is for tests. Stops early when `stop` is set.
    """

    def __init__(
        self,
        core: Core,
        *,
        gentle: bool = False,
        say: Say = lambda _line: None,
        stop: threading.Event | None = None,
        clickhouse_database: str = DATABASE,
    ) -> None:
        self._core = core
        self._gentle = gentle
        self._say = say
        self._stop = stop or threading.Event()
        self._database = clickhouse_database
        self._worked = time.monotonic()

    def verify(self, stores: Sequence[str] = STORES) -> Verdict:
        """Compare these stores. Raises VerifyRunningError, and what a store that is away raises."""
        began, verdict = time.monotonic(), Verdict()
        checks = {KAFKA: self._kafka, POSTGRES: self._postgres, CLICKHOUSE: self._clickhouse}
        url = self._core.addresses.postgres_worker_url
        with ExitStack() as held:
            held.callback(self._core.keys.forget)  # nobody tells us of those destroyed meanwhile
            conn = held.enter_context(connect(url, autocommit=True, application="nudge-verify"))
            if self._gentle:
                held.enter_context(_alone(conn))
            for store in stores:
                self._say(f"comparing {store} with the log")
                verdict.events[store] = 0
                verdict.faults.extend(checks[store](conn, verdict))
        verdict.seconds = time.monotonic() - began
        return verdict

    def _kafka(self, conn: Connection, verdict: Verdict) -> Iterator[Fault]:
        core, prefix = self._core, self._core.settings.topic_prefix
        bootstrap = core.addresses.kafka_bootstrap
        relay = RelaySettings(bootstrap, "", prefix)
        upto = read_marker(bootstrap, prefix + MARKER_TOPIC, relay.transactional_id, self._stop)
        places = [
            (topic, number)
            for topic in sorted(core.codec.registry.topics)
            for number in range(all_topics()[topic].partitions)
        ]
        with PartitionReader(bootstrap, prefix, places) as reader:
            records = {place: reader.records(place) for place in places}
            check = TopicCheck(conn, core.codec.registry, records, upto, self._pause)
            yield from check.faults()
        verdict.events[KAFKA] = check.events

    def _postgres(self, conn: Connection, verdict: Verdict) -> Iterator[Fault]:
        keys = self._core.keys.on(conn)  # as of the rows: people are erased meanwhile
        for view in ALL_VIEWS:
            check = ViewCheck(conn, view, self._core.codec, keys, self._pause)
            yield from check.faults()
            verdict.events[POSTGRES] += check.events

    def _clickhouse(self, conn: Connection, verdict: Verdict) -> Iterator[Fault]:
        at = self._core.addresses
        login = at.clickhouse_url, at.clickhouse_username, at.clickhouse_password
        with connect_clickhouse(*login, database=self._database) as client:
            for table in tables(self._core.codec).values():
                check = TableCheck(conn, client, self._core.codec, table, self._pause)
                yield from check.faults()
                verdict.events[CLICKHOUSE] += check.events

    def _pause(self) -> None:
        """Rest in proportion to the work since the last pause, when that was asked for."""
        if self._stop.is_set():
            raise VerifyRunningError("stopped")
        if self._gentle:
            self._stop.wait((time.monotonic() - self._worked) * (1 / _SHARE_OF_TIME - 1))
        self._worked = time.monotonic()


@contextmanager
def _alone(conn: Connection) -> Iterator[None]:
    """Given back before the next one asks: a closed session lingers for a moment."""
    if conn.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        raise VerifyRunningError("another verification is under way")
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def heal(
    faults: Sequence[Fault], postgres: PostgresDesk, clickhouse: AnalyticsDesk, say: Say
) -> list[str]:
    """Rebuild and swap the read models with faults; their names. Kafka is not mended here.

    Raises RebuildError when a rebuild is refused; those before it are healed then.
    """
    healed = []
    for model in dict.fromkeys(fault.model for fault in faults if fault.model):
        desk = clickhouse if model.startswith(PREFIX) else postgres
        say(f"rebuilding {model}")
        desk.rebuild(model, say=say)
        desk.swap(model)
        desk.discard(model)
        healed.append(model)
    return healed


def new_topic_version(prefix: str) -> str:
    """How a fault in Kafka is healed, for a person."""
    return (
        "Kafka's topics cannot be mended in place. The log is whole, so new topics are filled from"
        " it: stop the product and run nudge topics renew NEW_PREFIX"
        f" (the topic prefix is {prefix!r} now)."
    )

"""An installation whose consumers read real topics, and which gets new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from infra import topic_versions
from infra.bootstrap import Core
from infra.carrying import carry_log
from infra.kafka import create_topics, producer_config
from infra.local.addresses import Addresses
from infra.renewing.renewal import Renewal, Renewed
from infra.verifying.verifier import Verdict, Verifier
from projections.postgres.views import ALL_VIEWS
from projections.verify.fault import KAFKA, STORES
from schemas.registry import default_registry
from schemas.topics import all_topics
from tests.benchmarks.workload import delivery_events
from tests.conftest import Database
from tests.integration.analytics.conftest import (  # noqa: F401 - fixtures, used by name
    BY_HAND,
    MakeWriter,
    clickhouse,
    empty_clickhouse,
    make_writer,
    pool,
)
from tests.support.counting import TABLE, SeenHandler
from tests.support.kafka_batches import pump
from tests.support.rebuilding import Models, models
from tests.support.services import Services, environment_at
from tests.support.topic_filling import Record, damaged, fill_topics

WEBHOOKS = "postmark-webhooks"
LOST, ALTERED, DOUBLED = 1_300, 1_301, 1_302
"""Positions in the middle of the log: events of different deliveries."""
READ = 1_000
"""As far as the consumers have come when the fault is found."""


damage = partial(damaged, lost=LOST, altered=ALTERED, doubled=DOUBLED)


def take_offsets(bootstrap: str, prefix: str) -> None:
    """Aborted records in every partition of events."""
    producer = Producer(producer_config(bootstrap, transactional_id=f"{prefix}aborted"))
    producer.init_transactions(30)
    producer.begin_transaction()
    for topic in default_registry().topics:
        for number in range(all_topics()[topic].partitions):
            for _ in range(3):
                producer.produce(prefix + topic, b"aborted", partition=number)
    assert producer.flush(30) == 0
    producer.abort_transaction(30)


@dataclass
class Installation:
    """A log, topics with a prefix, and three consumers of them: the views, ClickHouse, and one
    that writes down every record it sees, webhooks too."""

    models: Models
    addresses: Addresses
    core: Core
    fixture: Callable[[str], Any]
    seen: SeenHandler

    @property
    def clickhouse(self) -> Client:
        """Made when a test needs it, which takes a while."""
        return cast("Client", self.fixture("clickhouse"))

    @property
    def prefix(self) -> str:
        """Of the topics in use."""
        return self.core.settings.topic_prefix

    def environment(self, prefix: str | None = None) -> dict[str, str]:
        """In which a command or a process finds this installation."""
        return environment_at(self.addresses, self.prefix if prefix is None else prefix)

    def use(self, prefix: str) -> None:
        """What an operator does at the end: every process gets the new prefix."""
        settings = self.core.settings.model_copy(update={"topic_prefix": prefix})
        self.core.pool.close()
        self.core = Core(settings, self.addresses, "renew")

    def fill(self, plant: Callable[[list[Record]], Any] = lambda records: records) -> None:
        """Put the log on the topics in use, behind a transaction that was aborted: no offset is
        what it will be on new topics."""
        take_offsets(self.addresses.kafka_bootstrap, self.prefix)
        fill_topics(self.core, self.models.conn, plant)

    def carry(self) -> None:
        """The relay carries what is new to the topics in use."""
        carry_log(self.addresses, self.prefix)

    def consume(self, upto: int = 2**62) -> None:
        """Every consumer goes on, up to a position; webhooks are read to their end."""
        make: MakeWriter = self.fixture("make_writer")
        writer = make(BY_HAND, topic_prefix=self.prefix)
        for handler in (self.models.writer, writer, self.seen):
            pump(self.addresses.kafka_bootstrap, self.prefix, handler, upto)
        writer.flush()

    def go_on(self) -> None:
        """More happens, and every consumer reads on: an offset that is too high leaves it out."""
        self.models.append(delivery_events(100, seed=5))
        self.carry()
        self.consume()

    def post(self, *bodies: bytes) -> None:
        """Webhooks as the API puts them on Kafka, all in one partition."""
        producer = Producer(producer_config(self.addresses.kafka_bootstrap))
        headers: list[tuple[str, str | bytes | None]] = [("organization", "an organization")]
        for body in bodies:
            producer.produce(self.prefix + WEBHOOKS, body, headers=headers, partition=1)
        assert producer.flush(30) == 0

    def verify(self, *stores: str) -> Verdict:
        """Compare the stores; without any named, all."""
        if set(stores) == {KAFKA}:
            return Verifier(self.core).verify(stores)
        verifier = Verifier(self.core, clickhouse_database=str(self.clickhouse.database))
        return verifier.verify(stores or STORES)

    def renewal(self, prefix: str, patience: float = 60.0) -> Renewal:
        """New topics, to be filled."""
        return Renewal(self.core, prefix, patience)

    def renew(self, prefix: str) -> Renewed:
        """Fill new topics and use them."""
        done = self.renewal(prefix).run(lambda _said: None)
        self.use(prefix)
        return done

    def positions(self) -> list[tuple[Any, ...]]:
        """Where all consumers stand, and with which topics."""
        query = "SELECT consumer, topic, partition, next_offset, position FROM state.positions"
        versions = topic_versions.versions(self.models.conn)
        return [*sorted(self.models.conn.execute(query).fetchall()), *versions]

    def logged(self) -> list[tuple[int, bytes]]:
        """Position and bytes of every event."""
        query = "SELECT position, bytes FROM log.events ORDER BY position"
        return [(at, bytes(value)) for at, value in self.models.conn.execute(query).fetchall()]

    def read(self, topics: str) -> list[tuple[int, bytes]]:
        """Position and bytes of every record that was handed over, each time it was."""
        rows = self.models.conn.execute(
            "SELECT position, value FROM public.seen WHERE topic LIKE %s ORDER BY position, id",
            (topics,),
        )
        return [(at, bytes(value)) for at, value in rows.fetchall()]

    def assert_nothing_twice_and_nothing_missing(self) -> None:
        """Every consumer has the log: the rows a fold makes, a row in ClickHouse for each event,
        each record once."""
        logged = self.logged()
        assert self.read("%-events") == logged
        (counted,) = self.clickhouse.query(
            "SELECT count(), uniqExact(position) FROM events"
        ).result_rows
        assert tuple(counted) == (len(logged), len(logged))
        found = self.verify()
        assert found.faults == []
        assert set(found.events) == set(STORES)
        assert sum(len(rows) for view in ALL_VIEWS for rows in self.models.rows(view).values()) > 0


@pytest.fixture
def place(
    stack: Services,
    database: Database,
    request: pytest.FixtureRequest,
    topic_prefix: str,
    tmp_path: Path,
) -> Iterator[Installation]:
    """Some thousand events; the topics are there and empty."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(TABLE)
    with models(database, tmp_path) as world:
        world.append_history(5, streams=60)
        world.append(delivery_events(1_500))
        at = replace(
            stack.addresses,
            postgres_owner_url=database.owner_url,
            postgres_worker_url=database.worker_url,
            postgres_api_url=database.api_url,
            master_key_file=world.access.master_key_file,
        )
        settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix})
        topics = sorted(world.codec.registry.topics)
        seen = SeenHandler(database.worker_url, (*topics, WEBHOOKS))
        made = Installation(world, at, Core(settings, at, "renew"), request.getfixturevalue, seen)
        create_topics(at.kafka_bootstrap, topic_prefix, all_topics().values())
        topic_versions.refuse_other_topics(world.conn, topic_prefix)
        yield made
        made.core.pool.close()

"""The comparer itself: silent when all is well, and loud about each kind of thing that is not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from infra.event_log import NewEvent, append
from infra.kafka import create_topics, producer_config
from infra.postgres import Connection, connect, make_pool
from projections.batch import Record
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec, Event
from schemas.registry import default_registry
from schemas.topics import all_topics
from tests.conftest import Database
from tests.integration.analytics.conftest import (  # noqa: F401 - fixtures
    BY_HAND,
    CODEC,
    MakeWriter,
    clickhouse,
    empty_clickhouse,
    make_writer,
    pool,
)
from tests.support.comparing import Entry
from tests.support.histories import TestKeys, batch_of, encode, history, identity, make_event
from tests.support.histories import records as records_of
from tests.support.kafka_truth import kafka_differences, read_kafka
from tests.support.services import Services
from tests.support.truth import (
    claims_of_the_silent,
    clickhouse_differences,
    decoded,
    read_log,
    view_differences,
)

EVENTS = history(random.Random(4), streams=60, longest=8)


@dataclass
class Logged:
    """A database whose log and views hold EVENTS."""

    connection: Connection
    codec: Codec

    @property
    def log(self) -> list[Entry]:
        return read_log(self.connection)

    def view_problems(self) -> list[tuple[str, str]]:
        events = decoded(self.codec, self.log, TestKeys())
        return [(d.place, d.problem) for d in view_differences(self.connection, events)]


@pytest.fixture
def logged(database: Database) -> Iterator[Logged]:
    with connect(database.worker_url, autocommit=True) as connection:
        new = [
            NewEvent(e.stream_id, e.version, e.type, e.organization_id, encode(CODEC, e))
            for e in EVENTS
        ]
        assert append(connection, new) == [event.position for event in EVENTS]
        views = make_pool(database.worker_url, size=2, application="truth")
        writer = ProjectionWriter(views.connection, CODEC, TestKeys())
        for partition, log in records_of(CODEC, EVENTS).items():
            writer.handle(batch_of(partition, log))
        views.close()
        yield Logged(connection, CODEC)


# --- read models ---------------------------------------------------------------------------


def test_views_that_follow_the_log_differ_in_nothing(logged: Logged) -> None:
    assert len(logged.log) == len(EVENTS)
    assert logged.view_problems() == []


def test_a_row_that_was_dropped_is_missed(logged: Logged) -> None:
    logged.connection.execute("DELETE FROM views.turns WHERE number = 1")
    problems = logged.view_problems()
    assert problems
    assert set(problems) == {("views.turns", "is missing")}


def test_a_row_the_log_does_not_know_is_noticed(logged: Logged) -> None:
    logged.connection.execute(
        "INSERT INTO views.deliveries SELECT gen_random_uuid(), d.organization_id, d.campaign_id,"
        " d.step, d.contact_id, d.kind, d.state, d.withheld_reason, d.message_id,"
        " d.mailbox_provider, d.accepted, d.refused, d.delivered, d.opened, d.clicked, d.bounced,"
        " d.complained, d.unsubscribed, d.intended_at, d.updated_at, d.position, d.version"
        " FROM views.deliveries d LIMIT 1"
    )
    assert logged.view_problems() == [("views.deliveries", "is not in the log")]


def test_a_counter_that_was_altered_is_named(logged: Logged) -> None:
    logged.connection.execute(
        "UPDATE views.campaign_counters SET opened = opened + 1"
        " WHERE ctid = (SELECT min(ctid) FROM views.campaign_counters WHERE intended > 0)"
    )
    [(place, problem)] = logged.view_problems()
    assert place == "views.campaign_counters"
    assert problem.startswith("opened is ")


def test_a_single_altered_field_is_named_with_both_values(logged: Logged) -> None:
    logged.connection.execute(
        "UPDATE views.contacts SET first_name = 'Mallory'"
        " WHERE id = (SELECT min(id::text)::uuid FROM views.contacts)"
    )
    [(place, problem)] = logged.view_problems()
    assert place == "views.contacts"
    assert problem.startswith("first_name is 'Mallory', not ")


# --- ClickHouse ----------------------------------------------------------------------------


@pytest.fixture
def analysed(clickhouse: Client, make_writer: MakeWriter) -> Client:  # noqa: F811
    writer = make_writer(BY_HAND)
    for partition, log in records_of(CODEC, EVENTS).items():
        writer.handle(batch_of(partition, log))
    writer.flush()
    return clickhouse


def clickhouse_problems(client: Client) -> list[tuple[str, str, str]]:
    values = [(encode(CODEC, event), event.position) for event in EVENTS]
    found = clickhouse_differences(client, CODEC.decode_batch(values, None))
    return [(d.place, d.key, d.problem) for d in found]


def test_tables_that_follow_the_log_differ_in_nothing(analysed: Client) -> None:
    assert clickhouse_problems(analysed) == []


def test_an_event_that_is_there_twice_is_noticed_in_each_table(analysed: Client) -> None:
    delivered = next(e for e in EVENTS if e.topic == "delivery-events" and _counts(e))
    for table in ("events", "deliveries"):
        analysed.command(
            f"INSERT INTO {table} SELECT * FROM {table} WHERE position = {delivered.position}"  # noqa: S608
        )
    key, twice = str(delivered.position), "is there 2 times"
    assert clickhouse_problems(analysed) == [
        ("clickhouse.events", key, twice),
        ("clickhouse.deliveries", key, twice),
    ]


def test_events_that_are_not_there_are_missed(analysed: Client) -> None:
    analysed.command("TRUNCATE TABLE turns")
    problems = clickhouse_problems(analysed)
    understood = [e for e in EVENTS if e.type == "IntentRecognized"]
    assert understood
    assert problems == [
        ("clickhouse.turns", key, "is missing")
        for key in sorted(str(event.position) for event in understood)
    ]


def test_a_row_that_says_something_else_is_named(analysed: Client) -> None:
    altered = {"at": EVENTS[0].position}
    analysed.command("CREATE TABLE other AS events ENGINE = MergeTree ORDER BY position")
    analysed.command(
        "INSERT INTO other SELECT * REPLACE (if(position = {at:UInt64}, '[]', data) AS data)"
        " FROM events",
        altered,
    )
    analysed.command("TRUNCATE TABLE events")
    analysed.command("INSERT INTO events SELECT * FROM other")
    [(place, key, problem)] = clickhouse_problems(analysed)
    assert (place, key) == ("clickhouse.events", str(altered["at"]))
    assert problem.startswith("data is '[]', not ")


def _counts(event: Event) -> bool:
    return bool(event.data["kind"] == "campaign")


# --- Kafka ---------------------------------------------------------------------------------


@pytest.fixture
def on_kafka(stack: Services, logged: Logged, topic_prefix: str) -> list[Record]:
    """The log on topics of its own, read back."""
    topics = [all_topics()[name] for name in default_registry().topics]
    create_topics(stack.kafka_bootstrap, topic_prefix, topics)
    producer = Producer(producer_config(stack.kafka_bootstrap))
    for entry in logged.log:
        producer.produce(
            topic_prefix + default_registry().topic_of[entry.type],
            entry.value,
            entry.stream_id.encode(),
            headers=[
                ("position", str(entry.position).encode()),
                ("type", entry.type.encode()),
                ("organization", entry.organization_id.encode()),
            ],
        )
    assert producer.flush(20) == 0
    return read_kafka(stack.kafka_bootstrap, topic_prefix)


def test_kafka_is_compared_position_by_position(logged: Logged, on_kafka: list[Record]) -> None:
    log = logged.log

    def problems(records: list[Record]) -> list[tuple[str, str]]:
        return [(d.key, d.problem) for d in kafka_differences(log, records)]

    first, second = next(
        (a, b) for a, b in pairwise(on_kafka) if (a.topic, a.partition) == (b.topic, b.partition)
    )
    place = on_kafka.index(first)
    before, after = on_kafka[:place], on_kafka[place + 2 :]
    elsewhere = replace(first, partition=(first.partition + 1) % 4, offset=10**6)
    altered = replace(first, value=first.value + b"x")

    assert problems(on_kafka) == []
    assert problems([*before, second, *after]) == [(str(first.position), "is missing")]
    assert problems([*before, first, first, second, *after]) == [
        (str(first.position), "is there 2 times")
    ]
    assert problems([*before, second, first, *after]) == [
        (str(first.position), "comes after a higher position")
    ]
    assert "value is" in problems([*before, altered, second, *after])[0][1]
    moved = [problem for _, problem in problems([*before, second, *after, elsewhere])]
    assert "is missing" in moved
    assert "is not in the log" in moved


# --- the rule about claims -----------------------------------------------------------------


def test_a_claim_above_an_unsubscribe_is_found_and_one_below_or_after_a_return_is_not() -> None:
    person, stranger = identity("person"), identity("stranger")

    def told(*types: str) -> int:
        events = [
            make_event(
                kind, identity(kind), n, n, contact_id=person, kind="campaign", status="withdrawn"
            )
            for n, kind in enumerate(types, 1)
        ]
        other = make_event("AddressSuppressed", stranger, 1, 1, contact_id=stranger)
        return len(claims_of_the_silent([other, *events]))

    assert told("DeliveryClaimed", "AddressSuppressed") == 0
    assert told("AddressSuppressed", "AddressReactivated", "DeliveryClaimed") == 0
    assert told("AddressSuppressed", "DeliveryClaimed") == 1
    assert told("AddressSuppressed", "DeliveryClaimed", "AddressReactivated") == 1

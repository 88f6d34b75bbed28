"""The relay against real Kafka and Postgres: every position once and in order, whoever dies."""

from __future__ import annotations

import signal
import threading
import time
from itertools import pairwise

import pytest

from infra.event_log import NewEvent, append
from infra.kafka import TopicMismatchError, create_topics
from infra.postgres import connect
from infra.relay import MARKER_TOPIC, Relay, RelayError, RelaySettings
from schemas.topics import Topic, all_topics, partition_of
from tests.conftest import Database
from tests.integration.streams.conftest import Start
from tests.support.relaying import (
    ORGANIZATION,
    TOPIC,
    TOPIC_OF,
    append_events,
    log_positions,
    records_on,
)
from tests.support.services import Services

TOPICS = [all_topics()[TOPIC], all_topics()[MARKER_TOPIC]]


@pytest.fixture
def topics(stack: Services, topic_prefix: str) -> str:
    """The topics the relay writes to; gives their prefix."""
    create_topics(stack.kafka_bootstrap, topic_prefix, TOPICS)
    return topic_prefix


def test_a_topic_is_made_once_and_its_partitions_never_change(
    stack: Services, topic_prefix: str
) -> None:
    topic = all_topics()["postmark-webhooks"]
    names = [topic_prefix + "postmark-webhooks", topic_prefix + "postmark-webhooks-dlq"]

    assert sorted(create_topics(stack.kafka_bootstrap, topic_prefix, [topic])) == names
    assert create_topics(stack.kafka_bootstrap, topic_prefix, [topic]) == []
    with pytest.raises(TopicMismatchError, match="has 4 partitions, its file says 5"):
        create_topics(stack.kafka_bootstrap, topic_prefix, [_with_partitions(topic, 5)])


def _with_partitions(topic: Topic, partitions: int) -> Topic:
    return Topic(
        topic.name, topic.description, topic.key, topic.value, partitions,
        topic.producers, topic.consumers, topic.dead_letters, topic.config,
    )  # fmt: skip


def test_every_position_is_on_kafka_once_and_in_order_however_often_the_relay_dies(
    stack: Services, topics: str, database: Database, start_relay: Start
) -> None:
    bootstrap = stack.kafka_bootstrap
    load = threading.Thread(
        target=append_slowly, args=(database.worker_url, appending := threading.Event())
    )
    load.start()
    for _ in range(10):
        relay = start_relay()
        time.sleep(0.15)
        relay.kill()
        relay.wait()
    appending.set()
    load.join()

    relay = start_relay()
    log = log_positions(database.worker_url)
    wait_for_marker(bootstrap, topics, max(log))
    relay.send_signal(signal.SIGTERM)

    assert relay.wait(60) == 0
    check_once_and_in_order(bootstrap, topics, log)


def append_slowly(postgres_url: str, done: threading.Event) -> None:
    """About 1,500 events a second, one to seven in a transaction, until `done`."""
    version = 0
    with connect(postgres_url, autocommit=True) as connection:
        while not done.is_set():
            version += 1
            streams = [
                f"00000000-0000-0000-0000-{number:012d}" for number in range(version % 7 + 1)
            ]
            append(
                connection,
                [
                    NewEvent(stream, version, "TurnReceived", ORGANIZATION, b"%d" % version)
                    for stream in streams
                ],
            )
            time.sleep(0.002)


def check_once_and_in_order(bootstrap: str, prefix: str, log: dict[int, tuple[str, bytes]]) -> None:
    records = records_on(bootstrap, prefix, TOPIC)
    assert len(records) == len(log)
    assert {position: (key, value) for _, position, key, value in records} == log
    assert all(part == partition_of(key, 4) for part, _, key, _ in records)
    for wanted in range(4):
        positions = [position for part, position, _, _ in records if part == wanted]
        assert all(before < after for before, after in pairwise(positions))


def wait_for_marker(bootstrap: str, prefix: str, position: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        markers = [value for _, _, _, value in markers_of(bootstrap, prefix)]
        if markers and int(markers[-1]) >= position:
            return
        time.sleep(0.1)
    raise AssertionError(f"position {position} never came")


def markers_of(bootstrap: str, prefix: str) -> list[tuple[int, int, str, bytes]]:
    return records_on(bootstrap, prefix, MARKER_TOPIC, partitions=1)


def test_a_frozen_leader_loses_its_place_and_ends_when_it_wakes(
    stack: Services, topics: str, database: Database, start_relay: Start
) -> None:
    bootstrap = stack.kafka_bootstrap
    frozen = start_relay()
    append_events(database.worker_url, 200, each=10)
    wait_for_marker(bootstrap, topics, 200)

    frozen.send_signal(signal.SIGSTOP)
    successor = start_relay()
    append_slowly_for(database.worker_url, seconds=0.3)
    frozen.send_signal(signal.SIGCONT)
    log = log_positions(database.worker_url)
    wait_for_marker(bootstrap, topics, max(log))

    assert frozen.wait(60) != 0
    assert successor.poll() is None
    successor.terminate()
    assert successor.wait(60) == 0
    check_once_and_in_order(bootstrap, topics, log)


def append_slowly_for(postgres_url: str, seconds: float) -> None:
    done = threading.Event()
    threading.Timer(seconds, done.set).start()
    append_slowly(postgres_url, done)


def test_a_relay_that_was_fenced_stops_with_the_reason(
    stack: Services, topics: str, database: Database
) -> None:
    settings = RelaySettings(stack.kafka_bootstrap, database.worker_url, topics)
    fenced = Relay(settings, TOPIC_OF)
    producer = fenced._start_producer()
    append_events(database.worker_url, 10, each=10)
    newer = Relay(settings, TOPIC_OF)._start_producer()
    rows = [(1, b"s", b"TurnReceived", b"o", b"v")]

    with pytest.raises(Exception, match=r"(?i)fenced|epoch"):
        fenced._relay(producer, rows)
    Relay(settings, TOPIC_OF)._relay(newer, rows)
    assert [position for _, position, _, _ in records_on(stack.kafka_bootstrap, topics, TOPIC)] == [
        1
    ]


def test_an_event_that_is_not_known_stops_the_relay_and_is_not_passed_over(
    stack: Services, topics: str, database: Database
) -> None:
    with connect(database.worker_url, autocommit=True) as connection:
        stream = "00000000-0000-0000-0000-000000000001"
        append(connection, [NewEvent(stream, 1, "NeverHeardOf", ORGANIZATION, b"")])
    settings = RelaySettings(stack.kafka_bootstrap, database.worker_url, topics)

    with pytest.raises(RelayError, match="position 1 has the unknown event type NeverHeardOf"):
        Relay(settings, TOPIC_OF).run(threading.Event())
    assert markers_of(stack.kafka_bootstrap, topics) == []


def test_a_log_that_is_not_the_one_on_kafka_is_refused(
    stack: Services, topics: str, database: Database
) -> None:
    settings = RelaySettings(stack.kafka_bootstrap, database.worker_url, topics)
    relay = Relay(settings, TOPIC_OF)
    relay._relay(relay._start_producer(), [(5, b"s", b"TurnReceived", b"o", b"v")])

    with pytest.raises(RelayError, match="up to position 5, but the log ends at 0"):
        Relay(settings, TOPIC_OF).run(threading.Event())

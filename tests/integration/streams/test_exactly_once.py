"""A stream process against real Kafka and Postgres: each committed record once, whatever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from infra.kafka import create_topics, producer_config
from infra.postgres import connect
from schemas.topics import all_topics
from tests.conftest import Database
from tests.integration.streams.conftest import Start
from tests.support.counting import TABLE
from tests.support.dead_letters import letters_of
from tests.support.relaying import TOPIC
from tests.support.services import Services

ROWS = 'SELECT partition, "offset", key, position, value FROM public.seen ORDER BY id'
Row = tuple[int, int, str, int, bytes]


@pytest.fixture
def topics(stack: Services, topic_prefix: str, database: Database) -> str:
    """An event topic with its dead letters, and the consumer's table; gives the prefix."""
    create_topics(stack.kafka_bootstrap, topic_prefix, [all_topics()[TOPIC]])
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(TABLE)
    return topic_prefix


def transactional_producer(stack: Services, prefix: str) -> Producer:
    producer = Producer(producer_config(stack.kafka_bootstrap, transactional_id=f"{prefix}load"))
    producer.init_transactions(30)
    return producer


def produce(
    producer: Producer, prefix: str, values: list[bytes], first: int, *, commit: bool
) -> None:
    producer.begin_transaction()
    for number, value in enumerate(values, first):
        headers: list[tuple[str, Any]] = [("position", b"%d" % number)]
        producer.produce(prefix + TOPIC, value, b"key %d" % (number % 13), headers=headers)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.flush(30)
        producer.abort_transaction(30)


def produce_events(producer: Producer, prefix: str, first: int, count: int) -> None:
    """Transactions of 50; before every fifth, one that is aborted."""
    for start_at in range(first, first + count, 50):
        if start_at // 50 % 5 == 0:
            produce(producer, prefix, [b"aborted"] * 50, start_at, commit=False)
        values = [b"%d" % number for number in range(start_at, start_at + 50)]
        produce(producer, prefix, values, start_at, commit=True)


def rows_of(database: Database, wanted: int, seconds: float = 30) -> list[Row]:
    """All rows, once there are at least as many as wanted."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connect(database.worker_url) as connection:
            rows = connection.execute(ROWS).fetchall()
        if len(rows) >= wanted:
            return rows
        time.sleep(0.1)
    raise AssertionError(f"{len(rows)} of {wanted} rows after {seconds} s")


def test_each_committed_record_is_handled_once_though_consumers_are_killed_and_join_and_leave(
    stack: Services, topics: str, database: Database, start_consumer: Start
) -> None:
    producer = transactional_producer(stack, topics)
    first = start_consumer()
    for part in range(2):
        produce_events(producer, topics, 1 + part * 2_000, 2_000)
        first.kill()
        first.wait()
        first = start_consumer()
    second = start_consumer()
    produce_events(producer, topics, 4_001, 2_000)
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    produce_events(producer, topics, 6_001, 1_000)

    rows = rows_of(database, 7_000)
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    rows = rows_of(database, 7_000)
    assert Counter(row[3] for row in rows) == Counter(range(1, 7_001))
    assert b"aborted" not in {row[4] for row in rows}
    for key in {row[2] for row in rows}:
        positions = [row[3] for row in rows if row[2] == key]
        assert all(before < after for before, after in pairwise(positions))


def test_a_poison_record_is_put_aside_with_its_origin_and_everything_else_is_handled(
    stack: Services, topics: str, database: Database, start_consumer: Start
) -> None:
    producer = transactional_producer(stack, topics)
    values = [b"poison" if number % 100 == 50 else b"%d" % number for number in range(1, 501)]
    produce(producer, topics, values, 1, commit=True)
    consumer = start_consumer()
    rows = rows_of(database, 495)
    produce(producer, topics, [b"after"], 501, commit=True)
    rows = rows_of(database, 496)
    consumer.send_signal(signal.SIGTERM)

    assert consumer.wait(20) == 0
    letters = letters_of(stack.kafka_bootstrap, topics, TOPIC)
    assert sorted(int(letter.headers["position"]) for letter in letters) == [50, 150, 250, 350, 450]
    assert {row[3] for row in rows} == set(range(1, 502)) - {50, 150, 250, 350, 450}
    for letter in letters:
        assert letter.value == b"poison"
        assert letter.key == letter.headers["origin"]
        assert letter.headers["origin"].startswith(f"{TOPIC}:".encode())
        assert letter.headers["reason"] == b"ValueError: this record is poison"
        assert b"Traceback" in letter.headers["trace"]


def test_a_consumer_tries_again_in_place_when_its_transaction_is_cut_off(
    stack: Services, topics: str, database: Database, start_consumer: Start
) -> None:
    producer = transactional_producer(stack, topics)
    consumer = start_consumer()
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("LOCK TABLE public.seen IN ACCESS EXCLUSIVE MODE")
        produce(producer, topics, [b"1", b"2", b"3"], 1, commit=True)
        cancel_blocked(database)
    rows = rows_of(database, 3)
    consumer.send_signal(signal.SIGTERM)

    assert consumer.wait(20) == 0
    assert sorted(row[3] for row in rows) == [1, 2, 3]


def cancel_blocked(database: Database) -> None:
    """Cancel the statement that waits for the table, as an operator would."""
    deadline = time.monotonic() + 15
    with connect(database.worker_url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            done = connection.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = "
                "current_database() AND wait_event_type = 'Lock'"
            ).fetchall()
            if done:
                return
            time.sleep(0.05)
    raise AssertionError("nothing waited for the table")


def test_topics_that_are_older_than_the_stored_positions_stop_the_process(
    stack: Services, topics: str, database: Database
) -> None:
    with connect(database.worker_url) as connection:
        connection.execute(
            "INSERT INTO state.positions (consumer, topic, partition, next_offset, position) "
            "VALUES ('seen', %s, 2, 1000, 1)",
            (TOPIC,),
        )
    command = [stack.kafka_bootstrap, database.worker_url, topics, TOPIC]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.counting", *command],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode != 0
    assert f"{TOPIC}:2 ends at offset 0, but 1000 is the stored position" in done.stderr

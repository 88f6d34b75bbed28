"""Whether Kafka holds the log: each position once, in order, with the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from infra.kafka import arrived, consumer_config
from projections.batch import Record
from schemas.registry import default_registry
from schemas.topics import all_topics, partition_of
from tests.support.comparing import Difference, Entry, Rows, compared, grouped

Partition = tuple[str, int]


def read_kafka(bootstrap: str, prefix: str = "") -> list[Record]:
    """Every committed record of the event topics, by partition in order of offset.

    Fails when Kafka is silent for ten seconds.
    """
    with _consumer(bootstrap) as consumer:
        topics = default_registry().topics
        places = [
            TopicPartition(prefix + topic, number, 0)
            for topic in topics
            for number in range(all_topics()[topic].partitions)
        ]
        consumer.assign(places)
        records, left = [], len(places)
        while left:
            messages = arrived(consumer, 1000, 10.0)
            assert messages, "Kafka fell silent before the end of the topics"
            for message in messages:
                error = message.error()
                if error is None:
                    records.append(_record(message, prefix))
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    left -= 1
    return sorted(records, key=lambda record: (record.topic, record.partition, record.offset))


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Consumer]:
    consumer = Consumer(consumer_config(bootstrap, enable_partition_eof=True))
    try:
        yield consumer
    finally:
        consumer.close()


def _record(message: Any, prefix: str) -> Record:
    return Record(
        message.topic().removeprefix(prefix),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        dict(message.headers() or ()),
    )


def kafka_differences(log: Sequence[Entry], records: Sequence[Record]) -> list[Difference]:
    """Each position exactly once, on its stream's partition, in order, with the log's bytes."""
    wanted: dict[Partition, list[tuple[Any, ...]]] = {}
    for entry in log:
        topic = default_registry().topic_of[entry.type]
        place = topic, partition_of(entry.stream_id, all_topics()[topic].partitions)
        key, organization = entry.stream_id.encode(), entry.organization_id.encode()
        row = (entry.position, key, entry.type.encode(), organization, entry.value)
        wanted.setdefault(place, []).append(row)
    found: dict[Partition, list[tuple[Any, ...]]] = {}
    for record in records:
        headers = (record.headers.get(name) for name in ("type", "organization"))
        found.setdefault((record.topic, record.partition), []).append(
            (record.position, record.key, *headers, record.value)
        )
    differences: list[Difference] = []
    for place in sorted(wanted.keys() | found.keys()):
        differences += _partition_differences(place, wanted.get(place, []), found.get(place, []))
    return differences


_RECORD = ("position", "key", "type", "organization", "value")


def _partition_differences(
    place: Partition, wanted: Sequence[tuple[Any, ...]], found: Sequence[tuple[Any, ...]]
) -> list[Difference]:
    name = f"kafka.{place[0]}-{place[1]}"
    differences = compared(name, _by_position(wanted), _by_position(found), _RECORD)
    disorder = next((b[0] for a, b in pairwise(found) if b[0] < a[0]), None)
    if disorder is not None:
        differences.append(Difference(name, str(disorder), "comes after a higher position"))
    return differences


def _by_position(rows: Sequence[tuple[Any, ...]]) -> Rows:
    return grouped((row[0], row) for row in rows)

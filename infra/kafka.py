"""Kafka as this project uses it: its topics, client settings and high watermarks."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    NewTopic,
    OffsetSpec,
)

from schemas.topics import Topic

# A raw webhook of 10 MB with room for headers and framing; events are at most 512 KiB.
LARGEST_MESSAGE = 12_582_912
_REQUEST_TIMEOUT = 15.0
_librdkafka = logging.getLogger("librdkafka")


class TopicMismatchError(Exception):
    """A topic exists with another number of partitions than its file says; the message says which.

    Keys would land on other partitions, so a partition count never changes: a new topic version
    and a replay do.
    """


class KafkaUnavailableError(Exception):
    """Kafka did not answer in time; trying again later is right."""


def client_config(bootstrap: str) -> dict[str, Any]:
    """What every client has: the address, and librdkafka's log in ours."""
    return {"bootstrap.servers": bootstrap, "logger": _librdkafka, "log_level": 4}


def producer_config(bootstrap: str, **more: Any) -> dict[str, Any]:
    """An idempotent producer that waits for all replicas and partitions as the Java client does.

    `more` are librdkafka properties, with underscores for dots.
    """
    return {
        **client_config(bootstrap),
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "partitioner": "murmur2_random",
        "message.max.bytes": LARGEST_MESSAGE,
        "linger.ms": 1,
        **_dotted(more),
    }


def consumer_config(bootstrap: str, **more: Any) -> dict[str, Any]:
    """A consumer of committed records that stores no offsets: positions live with the rows.

    `more` are librdkafka properties, with underscores for dots.
    """
    return {
        **client_config(bootstrap),
        "group.id": "unused",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 50,
        **_dotted(more),
    }


def _dotted(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "."): value for name, value in properties.items()}


def arrived(consumer: Consumer, most: int, seconds: float) -> list[Message]:
    """What has come, at most so many; waits at most so long, and only while there is nothing.

    `Consumer.consume` waits its whole time for a full batch, at the end of a topic, too.
    """
    first = consumer.poll(seconds)
    return [] if first is None else [first, *consumer.consume(most - 1, timeout=0)]


def partitions_wanted(topics: Iterable[Topic], prefix: str) -> dict[str, NewTopic]:
    """The physical topics of these files by name, dead-letter topics included.

    A dead-letter topic has one partition and keeps for as long, and as large, as its origin.
    """
    wanted = []
    for topic in topics:
        wanted.append(_new_topic(prefix + topic.name, topic.partitions, topic.config))
        if topic.dead_letters:
            wanted.append(_new_topic(prefix + topic.dead_letters, 1, topic.config))
    return {new.topic: new for new in wanted}


def _new_topic(name: str, partitions: int, config: Mapping[str, str]) -> NewTopic:
    # -1: as many replicas as the cluster's own default, 1 on a laptop and 3 in production
    return NewTopic(name, num_partitions=partitions, replication_factor=-1, config=dict(config))


def create_topics(
    bootstrap: str, prefix: str, topics: Iterable[Topic], timeout: float = 30.0
) -> list[str]:
    """Create the topics that are missing and wait until every partition has a leader.

    Repeating it is harmless; returns the names it created. Raises TopicMismatchError before
    creating anything when an existing topic has another partition count, and
    KafkaUnavailableError when that takes longer than `timeout` seconds.
    """
    admin = AdminClient(client_config(bootstrap))  # kept: a temporary one dies before it answers
    wanted = partitions_wanted(topics, prefix)
    deadline = time.monotonic() + timeout
    existing = _partition_counts(admin, wanted, deadline)
    _refuse_other_counts(wanted, existing)
    missing = [new for name, new in wanted.items() if name not in existing]
    created = _create(admin, missing, deadline) if missing else []
    _wait_for_leaders(admin, wanted, deadline)
    return created


def _create(admin: AdminClient, missing: list[NewTopic], deadline: float) -> list[str]:
    created = []
    futures = admin.create_topics(missing, operation_timeout=_left(deadline))
    for name, future in futures.items():
        try:
            future.result(_left(deadline))
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # else: made meanwhile
                raise KafkaUnavailableError(f"{name}: {error.args[0].str()}") from error
    return created


def _refuse_other_counts(wanted: Mapping[str, NewTopic], existing: Mapping[str, int]) -> None:
    for name, new in wanted.items():
        if existing.get(name, new.num_partitions) != new.num_partitions:
            raise TopicMismatchError(
                f"topic {name} has {existing[name]} partitions, its file says "
                f"{new.num_partitions}: a count never changes, make a new topic and replay"
            )


def _wait_for_leaders(admin: AdminClient, wanted: Mapping[str, NewTopic], deadline: float) -> None:
    while True:
        existing = _partition_counts(admin, wanted, deadline)
        _refuse_other_counts(wanted, existing)
        if len(existing) == len(wanted):
            return
        time.sleep(0.05)


def _partition_counts(
    admin: AdminClient, names: Collection[str], deadline: float
) -> dict[str, int]:
    """Partitions of the topics that exist; a topic with a leaderless partition is left out
    only while it is being made, because the deadline then counts."""
    try:
        metadata = admin.list_topics(timeout=_left(deadline))
    except KafkaException as error:
        raise KafkaUnavailableError(f"Kafka does not answer: {error.args[0].str()}") from error
    return {
        name: len(topic.partitions)
        for name, topic in metadata.topics.items()
        if name in names
        and topic.error is None
        and all(partition.leader >= 0 for partition in topic.partitions.values())
    }


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise KafkaUnavailableError("Kafka did not make its topics ready in time")
    return min(left, _REQUEST_TIMEOUT)


_NOBODY_LEADS = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}


def watermarks(consumer: Consumer, place: TopicPartition, timeout: float) -> tuple[int, int]:
    """First and next offset of a partition.

    Asks again, for `timeout` seconds, while nobody leads it yet: just after it was made, or after
    a broker's restart. Raises KafkaException.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            first, end = consumer.get_watermark_offsets(place, timeout=timeout)
        except KafkaException as error:
            if error.args[0].code() not in _NOBODY_LEADS or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return first, end


class KafkaWatermarks:
    """Where the partitions of logical topics end, for lag. Safe to share between threads.

    An end is the offset after the last committed record or transaction marker, so a consumer
    that has everything may still stand one or more below it.
    """

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._admin = AdminClient(client_config(bootstrap))
        self._prefix = prefix

    def end_offsets(
        self, partitions: Iterable[tuple[str, int]], timeout: float = 5.0
    ) -> dict[tuple[str, int], int]:
        """End offset of each (topic, partition). Raises KafkaUnavailableError."""
        asked = {
            TopicPartition(self._prefix + topic, partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]
            for topic, partition in partitions
        }
        if not asked:
            return {}
        futures = self._admin.list_offsets(
            asked,
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=timeout,
        )
        try:
            return {
                (found.topic.removeprefix(self._prefix), found.partition): future.result(
                    timeout + 1
                ).offset
                for found, future in futures.items()
            }
        except (KafkaException, TimeoutError) as error:
            self._learn_leaders()
            raise KafkaUnavailableError(f"no end offsets: {error}") from error

    def _learn_leaders(self) -> None:
        """Ask who leads now: the client itself would go on with leaders of before a restart."""
        with suppress(KafkaException):
            self._admin.list_topics(timeout=1.0)

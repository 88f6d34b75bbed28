"""The log put on Kafka as the relay puts it, or with a fault planted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from confluent_kafka import Producer

from infra.bootstrap import Core
from infra.kafka import producer_config
from infra.postgres import Connection
from infra.relay import MARKER_TOPIC, RelaySettings

Record = tuple[int, str, str, str, bytes]
"""Position, stream, type, organization, value."""


def fill_topics(
    core: Core,
    conn: Connection,
    plant: Callable[[list[Record]], Iterable[Record]] = lambda records: records,
) -> None:
    """Put all events on their topics, and the position they reach. `plant` changes the records."""
    prefix, bootstrap = core.settings.topic_prefix, core.addresses.kafka_bootstrap
    rows = conn.execute(
        "SELECT position, stream_id, type, organization_id, bytes FROM log.events ORDER BY position"
    ).fetchall()
    producer = Producer(producer_config(bootstrap, queue_buffering_max_messages=200_000))
    for position, stream, kind, organization, value in plant(list(rows)):
        headers: list[tuple[str, str | bytes | None]] = [
            ("position", b"%d" % position),
            ("type", kind),
            ("organization", organization),
        ]
        topic = prefix + core.codec.registry.topic_of[kind]
        producer.produce(topic, bytes(value), stream, headers=headers)
    key = RelaySettings(bootstrap, "", prefix).transactional_id
    producer.produce(prefix + MARKER_TOPIC, b"%d" % rows[-1][0], key, partition=0)
    assert producer.flush(30) == 0


def damaged(
    records: Iterable[Record], *, lost: int, altered: int, doubled: int
) -> Iterator[Record]:
    """Without the event at one position, with another one altered and one there twice in a row."""
    for record in records:
        if record[0] == altered:
            yield (*record[:4], bytes(record[4])[:-1] + b"\x7f")
        elif record[0] != lost:
            yield record
        if record[0] == doubled:
            yield record

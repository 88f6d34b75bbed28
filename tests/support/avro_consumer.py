"""A plain Avro consumer: Kafka, the registry over HTTP and an Avro library, nothing of ours."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import avro.io
import avro.schema
import httpx
from confluent_kafka import Consumer, KafkaError, TopicPartition


@dataclass(frozen=True)
class Consumed:
    """One record as any consumer sees it."""

    topic: str
    partition: int
    key: str
    headers: dict[str, bytes]
    schema_name: str
    value: dict[str, Any]


class Registry:
    """Schemas by id, fetched once each."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=base_url)
        self._known: dict[int, Any] = {}

    def schema(self, schema_id: int) -> Any:
        if schema_id not in self._known:
            answer = self._client.get(f"/registry/schemas/ids/{schema_id}").raise_for_status()
            text = _without_logical_types(json.loads(answer.json()["schema"]))
            self._known[schema_id] = avro.schema.parse(json.dumps(text))
        return self._known[schema_id]


def _without_logical_types(schema: Any) -> Any:
    """`avro` wants UUID objects it cannot make; beneath the logical type stands plain text."""
    if isinstance(schema, dict):
        return {k: _without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    return schema


def read_all(bootstrap: str, base_url: str, topics: list[str]) -> Iterator[Consumed]:
    """Every committed record of the topics, from the start to their present end."""
    registry = Registry(base_url)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "plain-avro",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    known = consumer.list_topics(timeout=10).topics
    places = [TopicPartition(t, p, 0) for t in topics for p in known[t].partitions]
    consumer.assign(places)
    left = len(places)
    while left:
        message = consumer.poll(10)
        assert message is not None, "Kafka fell silent before the end of the topics"
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            left -= 1
            continue
        yield _consumed(message, registry)
    consumer.close()


def _consumed(message: Any, registry: Registry) -> Consumed:
    value = message.value()
    magic, schema_id = struct.unpack(">bI", value[:5])
    assert magic == 0
    schema = registry.schema(schema_id)
    decoder = avro.io.BinaryDecoder(io.BytesIO(value[5:]))
    return Consumed(
        message.topic(),
        message.partition(),
        message.key().decode(),
        dict(message.headers()),
        schema.fullname,
        cast("dict[str, Any]", avro.io.DatumReader(schema).read(decoder)),
    )

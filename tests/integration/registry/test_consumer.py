"""A plain Avro consumer, knowing nothing but the registry's address, reads our events."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import avro.io
import avro.schema
import fastavro
import httpx
import pytest

from schemas.examples import Example, all_examples, values
from schemas.registry import default_registry
from tests.contract.schemas.vault import encoded, fixed_codec

CODEC = fixed_codec(default_registry())


class PlainConsumer:
    """Decodes Confluent-framed values with the schemas of a registry, each fetched once."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._schemas: dict[int, str] = {}

    def _schema(self, value: bytes) -> str:
        magic, schema_id = struct.unpack_from(">bI", value)
        assert magic == 0
        if schema_id not in self._schemas:
            answer = self._client.get(f"/schemas/ids/{schema_id}").raise_for_status()
            self._schemas[schema_id] = answer.json()["schema"]
        return self._schemas[schema_id]

    def with_fastavro(self, value: bytes) -> Any:
        parsed = fastavro.parse_schema(json.loads(self._schema(value)))
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), parsed, None)

    def with_avro(self, value: bytes) -> Any:
        parsed = avro.schema.parse(self._schema(value))
        return avro.io.DatumReader(parsed).read(avro.io.BinaryDecoder(io.BytesIO(value[5:])))


@pytest.mark.parametrize("example", all_examples(), ids=lambda example: example.type)
def test_both_avro_libraries_read_every_event(client: httpx.Client, example: Example) -> None:
    meta, data = values(example, CODEC.registry, rich=True)
    value = encoded(CODEC, example.type, meta, data, rich=True)
    consumer = PlainConsumer(client)

    by_fastavro, by_avro = consumer.with_fastavro(value), consumer.with_avro(value)

    schema = CODEC.registry.latest(example.type)
    sealed = {name for group in schema.sealed for name in group.names}
    assert by_fastavro["meta"] == meta
    assert by_avro["meta"]["occurred_at"] == meta["occurred_at"]
    for name in data.keys() - sealed - {group.array for group in schema.sealed}:
        assert by_fastavro[name] == data[name]
        assert _as_text(by_avro[name]) == _as_text(data[name])
    for group in schema.sealed:
        if group.array is None:
            assert by_fastavro[group.field] == by_avro[group.field]
            assert len(by_avro[group.field]) > 45


def _as_text(value: object) -> str:
    """The `avro` package leaves UUIDs as text, those in a list too."""
    return str([str(each) for each in value] if isinstance(value, list) else value)

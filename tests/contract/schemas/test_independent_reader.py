"""The `avro` package, which shares no code with our codec, reads and writes the same bytes."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import avro.io
import avro.schema
import pytest
from fastavro import schemaless_reader, schemaless_writer

from schemas.examples import Example, all_examples, values
from schemas.registry import default_registry, without_logical_types
from tests.contract.schemas.test_examples import name
from tests.contract.schemas.vault import encoded, fixed_codec

REGISTRY = default_registry()
CODEC = fixed_codec(REGISTRY)
FRAME = 5


def body_of(example: Example) -> tuple[bytes, dict[str, Any]]:
    """The Avro bytes behind the frame, and the plain record they hold, as fastavro reads it."""
    meta, data = values(example, REGISTRY, rich=False)
    body = encoded(CODEC, example.type, meta, data)[FRAME:]
    record = schemaless_reader(io.BytesIO(body), REGISTRY.latest(example.type).raw, None)
    assert isinstance(record, dict)
    assert record["meta"] == meta
    return body, record


def avro_schema(definition: Any) -> Any:
    return avro.schema.parse(json.dumps(definition))


@pytest.mark.parametrize("example", all_examples(), ids=name)
def test_avro_reads_equal_values(example: Example) -> None:
    body, record = body_of(example)
    schema = avro_schema(without_logical_types(REGISTRY.latest(example.type).definition))
    source = io.BytesIO(body)

    assert avro.io.DatumReader(schema, schema).read(avro.io.BinaryDecoder(source)) == record
    assert source.read() == b""


@pytest.mark.parametrize("example", all_examples(), ids=name)
def test_avro_reads_the_published_schema_with_its_logical_types(example: Example) -> None:
    body, _ = body_of(example)
    schema = avro_schema(REGISTRY.latest(example.type).definition)

    read: Any = avro.io.DatumReader(schema, schema).read(avro.io.BinaryDecoder(io.BytesIO(body)))

    assert str(read["meta"]["event_id"]) == example.meta["event_id"]
    assert read["meta"]["occurred_at"] == datetime.fromisoformat(example.meta["occurred_at"])


@pytest.mark.parametrize("example", all_examples(), ids=name)
def test_fastavro_writes_what_avro_writes(example: Example) -> None:
    body, record = body_of(example)
    latest = REGISTRY.latest(example.type)
    # Without logical types: avro's uuid takes no UUID object, and bytes are the same either way.
    schema = avro_schema(without_logical_types(latest.definition))
    by_avro, by_fastavro = io.BytesIO(), io.BytesIO()

    avro.io.DatumWriter(schema).write(record, avro.io.BinaryEncoder(by_avro))
    schemaless_writer(by_fastavro, latest.raw, record)

    assert by_avro.getvalue() == by_fastavro.getvalue() == body

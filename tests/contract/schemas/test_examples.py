"""Every example is what its schema says, survives the codec, and bad ones are refused."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.shared.meta import event_id
from schemas.codec import Event
from schemas.examples import Example, ExampleError, all_examples, all_must_fail, values
from schemas.registry import default_registry
from tests.contract.schemas.vault import Vault, encoded, fixed_codec

REGISTRY = default_registry()
CODEC = fixed_codec(REGISTRY)
EXAMPLES = all_examples()
MUST_FAIL = all_must_fail()
_META = {
    "event_id", "organization_id", "stream_id", "occurred_at", "actor", "correlation_id",
    "causation_id",
}  # fmt: skip


def name(example: Example) -> str:
    return example.path.name.removesuffix(".json")


def meta_of(event: Event) -> dict[str, object]:
    """The event's meta as it was encoded."""
    return {**{key: getattr(event, key) for key in _META}, "stream_version": event.version}


def test_every_event_type_has_an_example_and_every_topic_one_that_must_fail() -> None:
    assert {(e.topic, e.type) for e in EXAMPLES} == {(t, k) for k, t in REGISTRY.topic_of.items()}
    assert {example.topic for example in MUST_FAIL} == set(REGISTRY.topics)


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
@pytest.mark.parametrize("rich", [False, True], ids=["raw", "rich"])
def test_an_example_decodes_to_itself(example: Example, rich: bool) -> None:
    meta, data = values(example, REGISTRY, rich=rich)

    event = CODEC.decode(encoded(CODEC, example.type, meta, data, rich=rich), 7, Vault(), rich=rich)

    assert event.type == example.type
    assert event.topic == example.topic
    assert event.position == 7
    assert meta_of(event) == meta
    assert event.data == data


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_rich_and_raw_values_are_the_same_bytes(example: Example) -> None:
    raw = encoded(CODEC, example.type, *values(example, REGISTRY, rich=False))
    rich = encoded(CODEC, example.type, *values(example, REGISTRY, rich=True), rich=True)
    assert raw == rich


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_an_examples_id_is_that_of_its_place_in_the_stream(example: Example) -> None:
    expected = event_id(UUID(example.meta["stream_id"]), example.meta["stream_version"])
    assert example.meta["event_id"] == str(expected)


@pytest.mark.parametrize("example", MUST_FAIL, ids=name)
def test_a_wrong_example_is_refused_for_the_stated_reason(example: Example) -> None:
    assert example.fails_because
    with pytest.raises(ExampleError) as refused:
        values(example, REGISTRY, rich=False)
    assert str(refused.value) == example.fails_because


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_what_is_sealed_cannot_be_read_from_the_bytes(example: Example) -> None:
    meta, data = values(example, REGISTRY, rich=False)
    value = encoded(CODEC, example.type, meta, data)
    for group in REGISTRY.latest(example.type).sealed:
        records = [data] if group.array is None else data[group.array]
        texts = [t for record in records for t in map(record.get, group.names) if t]
        assert texts
        for text in texts:
            parts = text if isinstance(text, list) else [text]
            assert all(part.encode() not in value for part in parts)

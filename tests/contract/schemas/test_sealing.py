"""Sealed fields: erased without their key, refused when the bytes were altered or moved."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastavro import schemaless_reader, schemaless_writer

from schemas.codec import MissingKeyError, UnreadableEventError
from schemas.examples import all_examples, values
from schemas.registry import default_registry
from schemas.sealing import ERASED, SealBrokenError
from tests.contract.schemas.vault import Vault, encoded, fixed_codec

REGISTRY = default_registry()
CODEC = fixed_codec(REGISTRY)
BY_TYPE = {example.type: example for example in all_examples()}
SEALED = sorted(kind for kind in BY_TYPE if REGISTRY.latest(kind).sealed)
STRANGER = "9b7f4f8e-6c1d-4c52-8a77-3f0c8e1d2a40"


def event_of(kind: str) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """The bytes of an example, its meta and data."""
    meta, data = values(BY_TYPE[kind], REGISTRY, rich=False)
    return encoded(CODEC, kind, meta, data), meta, data


def rewritten(value: bytes, kind: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The event with its record changed but nothing sealed again."""
    schema = REGISTRY.latest(kind)
    record: Any = schemaless_reader(io.BytesIO(value[5:]), schema.raw, None)
    change(record)
    out = io.BytesIO(value[:5])
    out.seek(5)
    schemaless_writer(out, schema.raw, record)
    return out.getvalue()


@pytest.mark.parametrize("kind", SEALED)
def test_without_their_keys_fields_read_as_erased(kind: str) -> None:
    value, meta, data = event_of(kind)
    subjects = CODEC.subjects(kind, meta, data)

    event = CODEC.decode(value, 1, Vault(*subjects))

    for group in REGISTRY.latest(kind).sealed:
        for record in [event.data] if group.array is None else event.data[group.array]:
            for name in group.names:
                assert record[name] is ERASED or (group.optional and record[name] is None)


def test_only_the_erased_subject_is_lost() -> None:
    value, _, data = event_of("TurnReceived")
    reference = data["mentions"][0]["reference"]

    event = CODEC.decode(value, 1, Vault(reference))

    assert event.data["mentions"][0]["address"] is ERASED
    assert event.data["text"] == data["text"]


def test_without_a_key_ring_sealed_fields_are_absent() -> None:
    value, _, data = event_of("ContactAdded")
    event = CODEC.decode(value, 1, None)
    assert event.data == {"address_hmac": data["address_hmac"], "origin": data["origin"]}


@pytest.mark.parametrize("at", [0, 1, 16, 17, 28, 29, -1], ids=lambda at: f"byte {at}")
def test_an_altered_envelope_is_broken(at: int) -> None:
    value, _, _ = event_of("ContactAdded")

    def flip(record: dict[str, Any]) -> None:
        envelope = bytearray(record["sealed_contact"])
        envelope[at] ^= 1
        record["sealed_contact"] = bytes(envelope)

    with pytest.raises(SealBrokenError):
        CODEC.decode(rewritten(value, "ContactAdded", flip), 1, Vault())


@pytest.mark.parametrize("length", [1, 17, 40, 44])
def test_a_cut_envelope_is_broken(length: int) -> None:
    value, _, _ = event_of("ContactAdded")

    def cut(record: dict[str, Any]) -> None:
        record["sealed_contact"] = record["sealed_contact"][:length]

    with pytest.raises(SealBrokenError):
        CODEC.decode(rewritten(value, "ContactAdded", cut), 1, Vault())


def test_an_envelope_moved_to_another_event_is_broken() -> None:
    value, _, _ = event_of("ContactAdded")

    def rename(record: dict[str, Any]) -> None:
        record["meta"]["event_id"] = STRANGER

    with pytest.raises(SealBrokenError):
        CODEC.decode(rewritten(value, "ContactAdded", rename), 1, Vault())


def test_an_envelope_under_an_erased_strangers_name_is_broken_not_erased() -> None:
    value, _, _ = event_of("ContactAdded")

    def readdress(record: dict[str, Any]) -> None:
        envelope = record["sealed_contact"]
        record["sealed_contact"] = envelope[:1] + UUID(STRANGER).bytes + envelope[17:]

    with pytest.raises(SealBrokenError):
        CODEC.decode(rewritten(value, "ContactAdded", readdress), 1, Vault(STRANGER))


def test_another_key_does_not_open() -> None:
    value, meta, _ = event_of("ContactAdded")

    class Wrong(Vault):
        def keys_of(self, subjects: Any) -> dict[str, bytes]:
            return dict.fromkeys(subjects, bytes(32))

    with pytest.raises(SealBrokenError, match=meta["stream_id"]):
        CODEC.decode(value, 1, Wrong())


def test_nothing_is_written_open_when_a_key_is_missing() -> None:
    meta, data = values(BY_TYPE["ContactAdded"], REGISTRY, rich=False)
    with pytest.raises(MissingKeyError, match="sealed_contact"):
        CODEC.encode("ContactAdded", meta, data, {})


@pytest.mark.parametrize(
    "value",
    [b"", b"\x00\x00", b"\x01\x00\x00\x00\x01", b"{}       ", struct.pack(">bI", 0, 99_999)],
    ids=["empty", "short", "another frame", "text", "unknown id"],
)
def test_what_is_no_event_is_unreadable(value: bytes) -> None:
    with pytest.raises(UnreadableEventError):
        CODEC.decode(value, 1, Vault())


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
def test_a_cut_event_is_unreadable(kind: str) -> None:
    value, _, _ = event_of(kind)
    with pytest.raises(UnreadableEventError):
        CODEC.decode(value[:-1], 1, Vault())

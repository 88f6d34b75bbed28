"""Events of the log or of Kafka, decoded with the keys there are; what is no event, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.codec import Codec, Event, UnreadableEventError
from schemas.ports import KeyRing
from schemas.sealing import SealBrokenError


class Read(NamedTuple):
    """What a value says, and whose it is as far as it tells."""

    value: Any
    organization: str | None = None
    owner: str | None = None


def read_events(codec: Codec, keys: KeyRing, values: Sequence[tuple[bytes, int]]) -> list[Read]:
    """Each value decoded, in order."""
    try:
        return [_read(event) for event in codec.decode_batch(values, keys)]
    except (UnreadableEventError, SealBrokenError):
        return [_read_one(codec, keys, value, position) for value, position in values]


def _read_one(codec: Codec, keys: KeyRing, value: bytes, position: int) -> Read:
    try:
        return _read(codec.decode(value, position, keys))
    except (UnreadableEventError, SealBrokenError):
        return Read(value)


def _read(event: Event) -> Read:
    owner = event.data.get("contact_id")
    if event.topic == "contact-events":
        owner = event.stream_id
    return Read((event.data, event.actor), event.organization_id, owner)

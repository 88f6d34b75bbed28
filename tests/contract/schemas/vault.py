"""Fixed keys and fixed randomness, so that the same event always gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.codec import Codec
from schemas.registry import Registry


def key_of(subject: str) -> bytes:
    """The key of a subject in these tests."""
    return hashlib.sha256(b"golden key of " + subject.encode()).digest()


def fixed_random(size: int) -> bytes:
    """The same bytes every time; never to be used outside of tests."""
    return bytes(range(size))


class Vault:
    """A key ring that has a key for every subject but the erased ones."""

    def __init__(self, *erased: str) -> None:
        self._erased = erased

    def keys_of(self, subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Keys by subject."""
        return {subject: key_of(subject) for subject in subjects if subject not in self._erased}


def encoded(
    codec: Codec, kind: str, meta: Mapping[str, Any], data: Mapping[str, Any], *, rich: bool = False
) -> bytes:
    """The event's bytes, sealed under the vault's keys."""
    keys = Vault().keys_of(codec.subjects(kind, meta, data))
    return codec.encode(kind, meta, data, keys, rich=rich)


def fixed_codec(registry: Registry) -> Codec:
    """A codec without chance."""
    return Codec(registry, fixed_random)

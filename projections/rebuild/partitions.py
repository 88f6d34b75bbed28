"""Partitions of many streams at once: the same murmur2 as `schemas.topics`, over arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_M = np.uint32(0x5BD1E995)
_LENGTH = 36


def hashes_of(stream_ids: Sequence[str]) -> list[int]:
    """The hash of each stream, given as UUID text; modulo a topic's partitions it is the
    stream's partition."""
    if not stream_ids:
        return []
    words = np.frombuffer("".join(stream_ids).encode(), dtype="<u4").reshape(-1, _LENGTH // 4)
    with np.errstate(over="ignore"):
        hashed = np.full(len(stream_ids), 0x9747B28C ^ _LENGTH, dtype=np.uint32)
        for column in words.T:
            k = column * _M
            hashed = (hashed * _M) ^ ((k ^ (k >> np.uint32(24))) * _M)
        hashed = (hashed ^ (hashed >> np.uint32(13))) * _M
        hashed ^= hashed >> np.uint32(15)
    found: list[int] = (hashed & np.uint32(0x7FFFFFFF)).tolist()
    return found

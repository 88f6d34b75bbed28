"""Consistency tokens: for each partition the highest position a request appended."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable

from schemas.registry import Registry
from schemas.topics import all_topics, partition_of

Positions = dict[tuple[str, int], int]
"""(topic, partition) -> position."""


class BadTokenError(Exception):
    """The text is no token of ours."""


def positions_of(appended: Iterable[tuple[str, str, int]], registry: Registry) -> Positions:
    """The highest position per partition of (event type, stream id, position)."""
    highest: Positions = {}
    for event_type, stream_id, position in appended:
        topic = registry.topic_of[event_type]
        place = topic, partition_of(stream_id, all_topics()[topic].partitions)
        highest[place] = max(position, highest.get(place, 0))
    return highest


def merge(*several: Positions) -> Positions:
    """The highest of each partition."""
    merged: Positions = {}
    for positions in several:
        for place, position in positions.items():
            merged[place] = max(position, merged.get(place, 0))
    return merged


def write_token(positions: Positions) -> str:
    """Opaque text for a header; empty for no positions."""
    if not positions:
        return ""
    plain = {f"{topic}/{partition}": p for (topic, partition), p in sorted(positions.items())}
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode()


def read_token(text: str) -> Positions:
    """The positions of a token. Raises BadTokenError."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(text.encode()))
        positions: Positions = {}
        for place, position in plain.items():
            topic, partition = place.rsplit("/", 1)
            if topic not in all_topics() or not isinstance(position, int):
                raise BadTokenError("the token names no topic of ours")
            positions[topic, int(partition)] = position
    except (ValueError, binascii.Error, AttributeError, UnicodeError) as error:
        raise BadTokenError("pass the Nudge-Position header of an earlier answer") from error
    return positions

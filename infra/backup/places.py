"""Positions in the log and offsets of topics, one found from the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate

from infra.verifying.kafka_reader import PartitionReader
from projections.batch import Record

Place = tuple[str, int]
"""Topic (logical) and partition."""


def offsets_behind(bootstrap: str, prefix: str, positions: Mapping[Place, int]) -> dict[Place, int]:
    """For each partition the offset behind its last record up to a position; 0 if none is.

    Reads the partitions from their beginning. Raises KafkaUnavailableError.
    """
    found = offsets_of(bootstrap, prefix, {place: [at] for place, at in positions.items()})
    return {place: found[place, at] for place, at in positions.items()}


def offsets_of(
    bootstrap: str, prefix: str, wanted: Mapping[Place, Collection[int]]
) -> dict[tuple[Place, int], int]:
    """The same for any number of positions in a partition."""
    found: dict[tuple[Place, int], int] = {}
    with PartitionReader(bootstrap, prefix, list(wanted)) as reader:
        for place, positions in wanted.items():
            behind = offsets_in(reader.records(place), positions)
            found |= {(place, position): offset for position, offset in behind.items()}
    return found


def positions_below(
    bootstrap: str, prefix: str, wanted: Mapping[Place, Collection[int]], head: int
) -> dict[tuple[Place, int], int]:
    """For each partition and offset the highest position in front of it, 0 without any.

    Positions above `head`, where the log ends, are nobody's. Raises KafkaUnavailableError.
    """
    found: dict[tuple[Place, int], int] = {}
    with PartitionReader(bootstrap, prefix, list(wanted)) as reader:
        for place, offsets in wanted.items():
            below = positions_in(reader.records(place), offsets, head)
            found |= {(place, offset): position for offset, position in below.items()}
    return found


def offsets_in(records: Iterable[Record], positions: Collection[int]) -> dict[int, int]:
    """By position: the offset behind the last record up to it, in one partition; 0 if none is."""
    rising = sorted(positions)
    offsets = [0] * (len(rising) + 1)
    for record in records:
        offsets[bisect_left(rising, _position(record))] = record.offset + 1
    return dict(zip(rising, accumulate(offsets, max), strict=False))


def positions_in(records: Iterable[Record], offsets: Collection[int], head: int) -> dict[int, int]:
    """By offset: the highest position in front of it, in one partition; 0 if none is."""
    rising = sorted(offsets)
    positions = [0] * (len(rising) + 1)
    for record in records:
        if (position := _position(record)) <= head:
            at = bisect_right(rising, record.offset)
            positions[at] = max(positions[at], position)
    return dict(zip(rising, accumulate(positions, max), strict=False))


def _position(record: Record) -> int:
    try:
        return record.position
    except ValueError:
        return 0

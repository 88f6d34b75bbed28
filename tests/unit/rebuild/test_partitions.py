"""Partitions of many streams at once are those of each."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from projections.rebuild.partitions import hashes_of
from schemas.topics import partition_of


@pytest.mark.parametrize("partitions", [1, 3, 4, 64])
def test_each_stream_goes_where_its_key_goes(partitions: int) -> None:
    rng = random.Random(partitions)
    streams = [str(UUID(int=rng.getrandbits(128))) for _ in range(500)]

    found = [hashed % partitions for hashed in hashes_of(streams)]

    assert found == [partition_of(stream, partitions) for stream in streams]


def test_no_streams_have_no_partitions() -> None:
    assert hashes_of([]) == []

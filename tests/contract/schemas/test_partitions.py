"""The partition of a stream is the one Kafka's own clients choose."""

from __future__ import annotations

import pytest

from schemas.topics import all_topics, murmur2, partition_of

# From the Java client's own test (org.apache.kafka.common.utils.UtilsTest.testMurmur2).
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", sorted(JAVA))
def test_murmur2_is_the_java_clients(key: bytes) -> None:
    assert murmur2(key) == JAVA[key] & 0xFFFFFFFF


def test_a_stream_has_one_partition_and_streams_spread() -> None:
    streams = [f"00000000-0000-4000-8000-{n:012d}" for n in range(400)]
    count = all_topics()["delivery-events"].partitions
    partitions = [partition_of(stream, count) for stream in streams]
    assert set(partitions) == set(range(count))
    assert partitions == [partition_of(stream, count) for stream in streams]

"""librdkafka puts a stream's events where `partition_of` says they are."""

from __future__ import annotations

import uuid

from confluent_kafka import Message, Producer

from schemas.topics import partition_of


def test_librdkafkas_murmur2_is_ours() -> None:
    # librdkafka's own mock broker: the partitioner runs in the client.
    producer = Producer({"test.mock.num.brokers": 1, "partitioner": "murmur2_random"})
    count = len(producer.list_topics("spread", timeout=10).topics["spread"].partitions)
    chosen: dict[str, int] = {}

    def delivered(error: object, message: Message) -> None:
        assert error is None
        key, partition = message.key(), message.partition()
        assert key is not None
        assert partition is not None
        chosen[key.decode()] = partition

    streams = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(n))) for n in range(300)]
    for stream in streams:
        producer.produce("spread", b"", stream, on_delivery=delivered)
    assert producer.flush(20) == 0

    assert count > 1
    assert chosen == {stream: partition_of(stream, count) for stream in streams}

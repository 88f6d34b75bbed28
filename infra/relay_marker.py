"""The relay's position as it stands on Kafka, in the transaction of the events it covers."""

from __future__ import annotations

import threading

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.kafka import consumer_config

_NEAR_THE_END = 500
_TIMEOUT = 10.0
_PAUSE = 0.05
_LEADERLESS = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
"""What a topic made a moment ago answers; librdkafka calls neither retriable."""


def read_marker(bootstrap: str, topic: str, key: str, stop: threading.Event) -> int:
    """The last committed position under `key`, 0 when there is none or `stop` was set.

    To be read after the producer's `init_transactions`, which ends the predecessor's open
    transaction. Waits while Kafka is away. Raises KafkaException when the topic cannot be read.
    """
    consumer = Consumer(consumer_config(bootstrap, enable_partition_eof=True))
    try:
        low, high = _watermarks(consumer, topic, stop)
        # The topic is compacted and short; its end holds the marker unless only others wrote.
        for start in dict.fromkeys((max(low, high - _NEAR_THE_END), low)):
            found = _last_value(consumer, topic, start, key.encode(), stop)
            if found is not None:
                return int(found)
        return 0
    finally:
        consumer.close()


def _watermarks(consumer: Consumer, topic: str, stop: threading.Event) -> tuple[int, int]:
    while not stop.is_set():
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=_TIMEOUT)
        except KafkaException as error:
            if not (error.args[0].retriable() or error.args[0].code() in _LEADERLESS):
                raise
            stop.wait(_PAUSE)
        else:
            return low, high
    return 0, 0


def _last_value(
    consumer: Consumer, topic: str, start: int, key: bytes, stop: threading.Event
) -> bytes | None:
    """The value of the last record with this key from `start` to the end of the partition.

    Read to the end and not to a count: transactions leave markers that are no records.
    """
    consumer.assign([TopicPartition(topic, 0, start)])
    found: bytes | None = None
    while not stop.is_set():
        message = consumer.poll(0.5)
        if message is None:
            continue
        error = message.error()
        if error is None:
            if message.key() == key:
                found = message.value()
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            return found
        elif not error.retriable():
            raise KafkaException(error)
    return None

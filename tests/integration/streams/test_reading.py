"""Reading from real Kafka: what is there is not kept waiting for what is not."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from infra.kafka import arrived, consumer_config, create_topics, producer_config
from infra.relay import MARKER_TOPIC
from schemas.topics import all_topics
from tests.support.services import Services

FOR_EVER = 3_600.0
"""Longer than any test may take."""


def test_a_batch_that_is_not_full_is_not_waited_for(stack: Services, topic_prefix: str) -> None:
    create_topics(stack.kafka_bootstrap, topic_prefix, [all_topics()[MARKER_TOPIC]])
    topic = topic_prefix + MARKER_TOPIC
    producer = Producer(producer_config(stack.kafka_bootstrap))
    for value in (b"1", b"2", b"3"):
        producer.produce(topic, value, b"key", partition=0)
    assert producer.flush(60) == 0
    consumer = Consumer(consumer_config(stack.kafka_bootstrap, enable_partition_eof=True))
    consumer.assign([TopicPartition(topic, 0, 0)])

    found: list[Message] = []
    while not found or found[-1].error() is None:
        found += arrived(consumer, 500, FOR_EVER)
    nothing = arrived(consumer, 500, 0.01)
    consumer.close()

    *records, end = found
    assert [record.value() for record in records] == [b"1", b"2", b"3"]
    error = end.error()
    assert error is not None
    assert error.code() == KafkaError._PARTITION_EOF
    assert nothing == []

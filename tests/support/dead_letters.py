"""What is in a dead-letter topic."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from infra.kafka import consumer_config


@dataclass(frozen=True)
class Letter:
    """One dead letter."""

    key: bytes
    value: bytes
    headers: dict[str, bytes]


def letters_of(bootstrap: str, prefix: str, topic: str) -> list[Letter]:
    """The dead letters of a logical topic, in order."""
    consumer = Consumer(consumer_config(bootstrap, enable_partition_eof=True))
    consumer.assign([TopicPartition(f"{prefix}{topic}-dlq", 0, 0)])
    letters = []
    while (message := consumer.poll(10)) is not None and message.error() is None:
        headers = {
            name: value.encode() if isinstance(value, str) else value or b""
            for name, value in dict(message.headers() or []).items()
        }
        key, value = message.key() or b"", message.value() or b""
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        letters.append(Letter(key, value, headers))
    consumer.close()
    return letters

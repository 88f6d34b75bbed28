"""Positions of consumers as offsets of topics that were written anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from infra.kafka import KafkaUnavailableError, arrived, consumer_config

Place = tuple[str, int]
"""Topic (logical) and partition."""
_PATIENCE: Final = 20


def offsets_behind(bootstrap: str, prefix: str, positions: Mapping[Place, int]) -> dict[Place, int]:
    """For each partition the offset of its first record above a position; its end if none is.

    Reads the partitions from their beginning. Raises KafkaUnavailableError.
    """
    consumer = Consumer(consumer_config(bootstrap, enable_partition_eof=True))
    found = dict.fromkeys(positions, 0)
    left = set(positions)
    try:
        consumer.assign([TopicPartition(prefix + t, p, OFFSET_BEGINNING) for t, p in left])
        silent = 0
        while left:
            messages = arrived(consumer, 5_000, 1.0)
            silent = 0 if messages else silent + 1
            if silent > _PATIENCE:
                raise KafkaUnavailableError("the topics do not let themselves be read to the end")
            for message in messages:
                place = (str(message.topic()).removeprefix(prefix), int(message.partition() or 0))
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                        left.discard(place)
                elif place in left:
                    if _position(message.headers()) > positions[place]:
                        left.discard(place)
                    else:
                        found[place] = int(message.offset() or 0) + 1
    finally:
        consumer.close()
    return found


def _position(headers: object) -> int:
    for name, value in headers or []:  # type: ignore[attr-defined]
        if name == "position":
            return int(value)
    return 0

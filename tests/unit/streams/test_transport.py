"""What the transport remembers of the chunks it has handed over: nothing, once they are handled."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from faust.types import TP

from streams.transport import BatchConsumer

PARTITION = TP("delivery-events", 0)


class Message:
    """A message as far as the book-keeping knows it."""

    def __init__(self, offset: int) -> None:
        self.tp, self.offset, self.acked = PARTITION, offset, False


@pytest.fixture
def consumer() -> Any:
    """A consumer that was not started: its book-keeping alone."""
    made = BatchConsumer.__new__(BatchConsumer)
    made._unacked_messages = set()
    made._gap, made._acked = defaultdict(list), defaultdict(list)
    made._committed_offset = defaultdict(lambda: None)
    return made


async def test_a_thousand_handled_chunks_leave_nothing_behind(consumer: Any) -> None:
    for number in range(1000):
        message = Message(number * 3)
        consumer._unacked_messages.add(message)
        await consumer._add_gap(PARTITION, number * 3 - 2, number * 3)
        assert consumer.ack(message)

    assert not consumer._unacked_messages
    assert not consumer._gap
    assert not consumer._acked


async def test_a_chunk_is_acknowledged_once(consumer: Any) -> None:
    message = Message(1)
    consumer._unacked_messages.add(message)
    assert consumer.ack(message)
    assert not consumer.ack(message)
    assert message.acked


async def test_nothing_is_committed_to_kafka(consumer: Any) -> None:
    assert await consumer.commit() is False

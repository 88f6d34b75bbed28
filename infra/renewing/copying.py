"""Records that are in no log, copied to new topics: byte for byte, at the offsets they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.backup.places import Place
from infra.kafka import (
    KafkaUnavailableError,
    arrived,
    client_config,
    consumer_config,
    producer_config,
    watermarks,
)

_SILENCE: Final = 15.0
_FLUSH: Final = 120.0


class NotCopiedError(Exception):
    """The new topics hold something that is no copy."""


@dataclass(frozen=True)
class Copier:
    """Copies partitions between two versions of the topics, given by their prefixes.

    The copies keep their offsets, which name webhooks and dead letters and are the positions of
    who reads them. Whatever a copy that was cut short has left is gone on with. Nobody else writes
    to either meanwhile. Raises KafkaUnavailableError.
    """

    bootstrap: str
    before: str
    after: str

    def copy(self, place: Place, start: int) -> int:
        """Copy what a partition holds from offset `start` on; how many records that are.

        Raises NotCopiedError when the new partition holds, or then holds, anything else.
        """
        with closing(Consumer(consumer_config(self.bootstrap))) as consumer:
            low, end = _bounds(consumer, self.before, place)
            first = max(low, start)
            _, there = _bounds(consumer, self.after, place)
        if there > max(end, first):
            raise NotCopiedError(f"{self._new(place)} holds records of its own: give a new prefix")
        self._write(place, (None for _ in range(there, first)))
        self._begin_at(place, first)
        self._write(place, self._read(self.before, place, max(there, first), end))
        self._compare(place, first, end)
        return max(end - first, 0)

    def _write(self, place: Place, messages: Iterator[Message | None]) -> None:
        """Put the messages behind each other; for None a record that only takes an offset."""
        producer, failed = Producer(producer_config(self.bootstrap)), list[KafkaError]()
        topic, partition = self.after + place[0], place[1]

        def done(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(error)

        for message in messages:
            content = {} if message is None else _content(message)
            while True:
                try:
                    producer.produce(topic, partition=partition, on_delivery=done, **content)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        left = producer.flush(_FLUSH)
        if failed or left:
            raise KafkaUnavailableError(f"{topic}-{partition}: {failed or 'no answer in time'}")

    def _begin_at(self, place: Place, first: int) -> None:
        """Drop what is below: it took offsets only, or was read since an earlier attempt."""
        if first:
            admin = AdminClient(client_config(self.bootstrap))
            wanted = TopicPartition(self.after + place[0], place[1], first)
            for future in admin.delete_records([wanted], request_timeout=_SILENCE).values():
                try:
                    future.result(_SILENCE + 1)
                except (KafkaException, TimeoutError) as error:
                    raise KafkaUnavailableError(f"{self._new(place)}: {error}") from error

    def _compare(self, place: Place, first: int, end: int) -> None:
        old = self._read(self.before, place, first, end)
        new = self._read(self.after, place, first, end)
        for one, two in zip_longest(old, new):
            if one is None or two is None or _told(one) != _told(two):
                raise NotCopiedError(f"{self._new(place)} holds no copies: give a new prefix")

    def _read(self, prefix: str, place: Place, first: int, end: int) -> Iterator[Message]:
        """Committed records from `first` to before `end`."""
        config = consumer_config(self.bootstrap, enable_partition_eof=True)
        with closing(Consumer(config)) as consumer:
            consumer.assign([TopicPartition(prefix + place[0], place[1], first)])
            at = first
            while at < end:
                messages = arrived(consumer, 500, _SILENCE)
                if not messages:
                    raise KafkaUnavailableError(f"{prefix}{place[0]}-{place[1]} fell silent")
                for message in messages:
                    if (error := message.error()) is not None:
                        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                            return
                        raise KafkaUnavailableError(str(error))
                    at = (message.offset() or 0) + 1
                    if at <= end:
                        yield message

    def _new(self, place: Place) -> str:
        return f"{self.after}{place[0]}-{place[1]}"


def _bounds(consumer: Consumer, prefix: str, place: Place) -> tuple[int, int]:
    try:
        return watermarks(consumer, TopicPartition(prefix + place[0], place[1]), _SILENCE)
    except KafkaException as error:
        raise KafkaUnavailableError(f"{prefix}{place[0]}-{place[1]}: {error}") from error


def _content(message: Message) -> dict[str, Any]:
    return {
        "value": message.value(),
        "key": message.key(),
        "headers": message.headers() or [],
        "timestamp": message.timestamp()[1],
    }


def _told(message: Message) -> tuple[Any, ...]:
    return message.offset(), *_content(message).values()

"""The dead-letter topics, read to their end: every letter with its reason and origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from infra.kafka import KafkaUnavailableError, consumer_config, watermarks
from projections.batch import Record

SUFFIX: Final = "-dlq"
OWN_HEADERS: Final = frozenset({"origin", "consumer", "reason", "trace"})
"""What a letter adds to the headers of the record it is about."""
_SILENCE: Final = 10.0


class BadLetterError(Exception):
    """A record of a dead-letter topic that no consumer of ours wrote."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: the record that could not be handled, by whom and why.

    `offset` is the letter's own, on its dead-letter topic; `record` stands at its origin.
    """

    offset: int
    record: Record
    consumer: str
    reason: str
    trace: str
    at: datetime

    @property
    def id(self) -> str:
        """How an operator names it: the origin's topic and the letter's offset."""
        return f"{self.record.topic}:{self.offset}"

    @property
    def origin(self) -> str:
        """Where the record is."""
        return f"{self.record.topic}:{self.record.partition}:{self.record.offset}"


def read_letters(bootstrap: str, prefix: str, topics: Iterable[str]) -> Iterator[Letter]:
    """All letters about records of these topics, oldest first within a topic.

    Reads to the end as it is now. Raises KafkaUnavailableError; BadLetterError at a record that
    is no letter.
    """
    for topic in topics:
        # A client each: the end of one topic must not be taken for the end of the next.
        with closing(Consumer(consumer_config(bootstrap, enable_partition_eof=True))) as consumer:
            yield from _topic(consumer, prefix, topic)


def _topic(consumer: Consumer, prefix: str, topic: str) -> Iterator[Letter]:
    place = TopicPartition(f"{prefix}{topic}{SUFFIX}", 0)
    try:
        first, end = watermarks(consumer, place, _SILENCE)
    except KafkaException as error:
        raise KafkaUnavailableError(f"{place.topic}: {error.args[0].str()}") from error
    if first == end:
        return
    consumer.assign([TopicPartition(place.topic, 0, first)])
    while (message := consumer.poll(_SILENCE)) is not None:
        if message.error() is not None:
            return  # the end, or what follows of it: nothing more is there
        yield letter_of(message, topic)
    raise KafkaUnavailableError(f"{place.topic}: silent before its end")


def letter_of(message: Message, topic: str) -> Letter:
    """The letter in a record of the dead-letter topic of `topic`."""
    headers = {
        name: value.encode() if isinstance(value, str) else value or b""
        for name, value in dict(message.headers() or ()).items()
    }
    own = {name: headers.pop(name, b"").decode(errors="replace") for name in OWN_HEADERS}
    _, milliseconds = message.timestamp()
    offset = message.offset()
    value = message.value() or b""
    return Letter(
        offset if offset is not None else -1,
        _record(
            own["origin"], topic, value if isinstance(value, bytes) else value.encode(), headers
        ),
        own["consumer"],
        own["reason"],
        own["trace"],
        datetime.fromtimestamp(milliseconds / 1000, UTC),
    )


def _record(origin: str, topic: str, value: bytes, headers: Mapping[str, bytes]) -> Record:
    of, _, place = origin.partition(":")
    partition, _, offset = place.partition(":")
    if of != topic or not partition.isdigit() or not offset.isdigit():
        raise BadLetterError(f"{topic}{SUFFIX}: a record whose origin is {origin!r}")
    return Record(topic, int(partition), int(offset), None, value, headers)


def newest(letters: Iterable[Letter]) -> list[Letter]:
    """Of several letters about the same record and consumer the last; oldest first."""
    found: dict[tuple[str, str], Letter] = {}
    for letter in letters:
        found.pop((letter.origin, letter.consumer), None)
        found[letter.origin, letter.consumer] = letter
    return list(found.values())

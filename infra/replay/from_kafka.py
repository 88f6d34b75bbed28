"""A replay of Kafka topics: committed records, in order of position where they have one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infra.kafka import KafkaUnavailableError, consumer_config, watermarks
from infra.replay.records import Replayed, ReplayError, Selection
from schemas.registry import Registry
from schemas.topics import all_topics

_SILENCE: Final = 15.0
_AT_ONCE: Final = 500
_MOMENT: Final = 0.1
"""Seconds for which a chunk may gather; it is handed on when it is full, or then."""
_ENOUGH: Final = 5_000
"""Records of one partition that may wait for slower ones."""
Place = tuple[str, int]


class FromKafka:
    """Reads topics to where they end when it gets there, partitions merged by position.

    Topics of raw records have no positions: they are merged by time, chosen by time, and never
    read together with topics of events.
    """

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        registry: Registry,
        selection: Selection,
        *,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> None:
        """`since` and `before` bound raw topics. Raises ReplayError."""
        self._selection = selection
        self._prefix = prefix
        self._since, self._before = since, before
        topics = selection.topics or frozenset(registry.topics)
        self.raw = is_raw(registry, topics)
        if not self.raw:
            self._types = selection.wanted_types(registry)
        self._places = [
            TopicPartition(prefix + topic, number)
            for topic in sorted(topics)
            for number in range(_partitions(topic))
        ]
        self._bootstrap = bootstrap
        self.reached = selection.start - 1

    def read(self) -> Iterator[Sequence[Replayed]]:
        """Records in order. Raises KafkaUnavailableError."""
        starts = self._starts()
        consumer = Consumer(consumer_config(self._bootstrap, enable_partition_eof=True))
        try:
            consumer.assign(starts)
            merge = _Merge(consumer, starts, self._order)
            for chunk in merge.chunks():
                records = [self._record(message) for message in chunk]
                past_end = [r for r in records if r.position > self._selection.end]
                yield [record for record in records if self._wanted(record)]
                if not self.raw and records:
                    self.reached = min(records[-1].position, self._selection.end)
                if past_end and not self.raw:
                    return
            self.reached = max(self.reached, self._selection.end)
        except KafkaException as error:
            raise KafkaUnavailableError(f"Kafka does not answer: {error}") from error
        finally:
            consumer.close()

    def _order(self, message: Message) -> tuple[int, int]:
        _, milliseconds = message.timestamp()
        return (0, milliseconds) if self.raw else (_position(message), 0)

    def _wanted(self, record: Replayed) -> bool:
        asked = self._selection
        if asked.organization not in (None, record.headers.get("organization", b"").decode()):
            return False
        if self.raw:
            late = self._before is not None and record.at > self._before
            return not late and (self._since is None or record.at >= self._since)
        return (
            asked.start <= record.position <= asked.end
            and record.headers.get("type", b"").decode() in self._types
            and asked.stream in (None, (record.key or b"").decode())
        )

    def _record(self, message: Message) -> Replayed:
        _, milliseconds = message.timestamp()
        key, value = message.key(), message.value() or b""
        return Replayed(
            0 if self.raw else _position(message),
            (message.topic() or "").removeprefix(self._prefix),
            message.partition() or 0,
            message.offset(),
            key.encode() if isinstance(key, str) else key,
            _headers(message),
            value.encode() if isinstance(value, str) else value,
            datetime.fromtimestamp(milliseconds / 1000, UTC),
        )

    def _starts(self) -> list[TopicPartition]:
        """Where to begin. By a client of its own: what it leaves unread, ends of partitions
        above all, must not be taken for news by the one that reads."""
        consumer = Consumer(consumer_config(self._bootstrap, enable_partition_eof=True))
        try:
            return [self._begun(consumer, place) for place in self._places]
        except KafkaException as error:
            raise KafkaUnavailableError(f"Kafka does not answer: {error}") from error
        finally:
            consumer.close()

    def _begun(self, consumer: Consumer, place: TopicPartition) -> TopicPartition:
        first, end = watermarks(consumer, place, _SILENCE)
        offset = first
        if self.raw and self._since is not None:
            at = TopicPartition(place.topic, place.partition, int(self._since.timestamp() * 1000))
            offset = consumer.offsets_for_times([at], timeout=_SILENCE)[0].offset
            offset = end if offset < 0 else offset
        elif not self.raw and self._selection.start > 1:
            offset = _offset_of(consumer, place, self._selection.start, first, end)
        return TopicPartition(place.topic, place.partition, offset)


def is_raw(registry: Registry, topics: frozenset[str]) -> bool:
    """Whether these are topics of raw records. Raises ReplayError for a mixture, or no topic."""
    events = set(registry.topics)
    described = all_topics()
    letters = {topic.dead_letters for topic in described.values() if topic.dead_letters}
    raw = {name for name in described if name not in events} | letters
    for topic in topics - events - raw:
        raise ReplayError(f"there is no topic {topic}")
    if topics & raw and topics & events:
        raise ReplayError("topics of events and of raw records have no common order: one of them")
    return bool(topics & raw)


def _partitions(topic: str) -> int:
    described = all_topics().get(topic)
    return described.partitions if described else 1  # a dead-letter topic has one


class _Merge:
    """Partitions read side by side; the smallest next record first, as soon as it is certain."""

    def __init__(
        self,
        consumer: Consumer,
        places: Sequence[TopicPartition],
        order: Callable[[Message], tuple[int, int]],
    ) -> None:
        self._consumer = consumer
        self._order = order
        self._waiting: dict[Place, deque[Message]] = {
            (each.topic, each.partition): deque() for each in places
        }
        self._ended: set[Place] = set()
        self._paused: set[Place] = set()

    def chunks(self) -> Iterator[list[Message]]:
        """Until every partition has ended."""
        heard = time.monotonic()
        while len(self._ended) < len(self._waiting):
            messages = self._consumer.consume(_AT_ONCE, timeout=_MOMENT)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE:
                raise KafkaUnavailableError("Kafka fell silent before the end of its topics")
            for message in messages:
                self._take(message)
            yield self._certain()
            self._balance()
        yield self._certain()

    def _take(self, message: Message) -> None:
        place = (message.topic() or "", message.partition() or 0)
        error = message.error()
        if error is None:
            if place not in self._ended:
                self._waiting[place].append(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's own name
            self._ended.add(place)
        else:
            raise KafkaException(error)

    def _certain(self) -> list[Message]:
        """What no record still to come can precede."""
        found: list[Message] = []
        open_places = [place for place in self._waiting if place not in self._ended]
        while all(self._waiting[place] for place in open_places):
            heads = [(self._order(each[0]), place) for place, each in self._waiting.items() if each]
            if not heads:
                break
            found.append(self._waiting[min(heads)[1]].popleft())
        return found

    def _balance(self) -> None:
        for place, waiting in self._waiting.items():
            if len(waiting) > _ENOUGH and place not in self._paused:
                self._consumer.pause([TopicPartition(*place)])
                self._paused.add(place)
            elif len(waiting) < _ENOUGH // 2 and place in self._paused:
                self._consumer.resume([TopicPartition(*place)])
                self._paused.discard(place)


def _offset_of(
    consumer: Consumer, place: TopicPartition, position: int, low: int, high: int
) -> int:
    """The first offset whose record is at or behind a position: both rise together."""
    while low < high:
        middle = (low + high) // 2
        found = _record_at(consumer, place, middle)
        if found is None or found[0] >= high or found[1] >= position:
            high = middle
        else:
            low = found[0] + 1
    return low


def _record_at(consumer: Consumer, place: TopicPartition, offset: int) -> tuple[int, int] | None:
    """Offset and position of the first record at or behind an offset; None where none is."""
    consumer.assign([TopicPartition(place.topic, place.partition, offset)])
    while (message := consumer.poll(_SILENCE)) is not None:
        if (message.topic(), message.partition()) != (place.topic, place.partition):
            continue  # said of the partition looked at before
        if message.error() is not None:
            return None
        if (message.offset() or 0) >= offset:
            return message.offset() or 0, _position(message)
    raise KafkaUnavailableError(f"{place.topic}: silent before its end")


def _position(message: Message) -> int:
    raw = _headers(message).get("position", b"")
    return int(raw) if raw.isdigit() else 0


def _headers(message: Message) -> Mapping[str, bytes]:
    given: Any = message.headers() or ()
    return {
        name: value.encode() if isinstance(value, str) else value or b"" for name, value in given
    }

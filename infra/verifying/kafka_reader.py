"""Many partitions read side by side, each as far as somebody asks for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.kafka import KafkaUnavailableError, arrived, consumer_config, watermarks
from projections.batch import Record

Place = tuple[str, int]

_ENOUGH: Final = 2_000
_SILENCE: Final = 15.0


class PartitionReader:
    """Committed records of partitions from their start to where they ended when this was made.

    For one thread. A partition that is far ahead of the others is paused.
    """

    def __init__(self, bootstrap: str, prefix: str, places: Sequence[Place]) -> None:
        self._prefix = prefix
        self._consumer = Consumer(consumer_config(bootstrap, enable_partition_eof=True))
        self._waiting: dict[Place, deque[Record]] = {place: deque() for place in places}
        self._paused: set[Place] = set()
        self._ends = {place: self._end(place) for place in places}
        self._done = {place for place, (low, high) in self._ends.items() if low >= high}
        starts = [TopicPartition(prefix + t, n, self._ends[t, n][0]) for t, n in places]
        self._consumer.assign(starts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def records(self, place: Place) -> Iterator[Record]:
        """The records of one partition. Raises KafkaUnavailableError when Kafka falls silent."""
        waiting = self._waiting[place]
        while True:
            while waiting:
                yield waiting.popleft()
            if place in self._paused and place not in self._done:
                self._paused.discard(place)
                self._consumer.resume([self._physical(place)])
            if place in self._done:
                return
            self._poll()

    def _poll(self) -> None:
        messages = arrived(self._consumer, 500, _SILENCE)
        if not messages:
            raise KafkaUnavailableError("Kafka fell silent before the end of the topics")
        for message in messages:
            self._take(message)

    def _take(self, message: Any) -> None:
        place = message.topic().removeprefix(self._prefix), message.partition()
        if (error := message.error()) is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
                raise KafkaUnavailableError(str(error))
            self._done.add(place)
            return
        if message.offset() < self._ends[place][1]:
            self._waiting[place].append(_record(message, place))
        if message.offset() >= self._ends[place][1] - 1:
            self._done.add(place)
        if place in self._done or len(self._waiting[place]) >= _ENOUGH:
            self._paused.add(place)
            self._consumer.pause([self._physical(place)])

    def _end(self, place: Place) -> tuple[int, int]:
        try:
            low, high = watermarks(self._consumer, self._physical(place), 10.0)
        except KafkaException as error:
            raise KafkaUnavailableError(f"{place[0]}-{place[1]}: {error}") from error
        return low, high

    def _physical(self, place: Place) -> TopicPartition:
        return TopicPartition(self._prefix + place[0], place[1])


def _record(message: Any, place: Place) -> Record:
    headers = dict(message.headers() or ())
    value = message.value() or b""
    return Record(*place, message.offset(), message.key(), value, headers)

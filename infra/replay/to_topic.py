"""Replays into a topic made for it, never into one of the product's; whole chunks or nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from infra.kafka import (
    KafkaUnavailableError,
    client_config,
    consumer_config,
    producer_config,
    watermarks,
)
from infra.replay.records import Replayed, ReplayError
from schemas.topics import all_topics

_NAME: Final = re.compile(r"^[A-Za-z0-9._-]{1,249}$")
_PARTITIONS: Final = 4
_TIMEOUT: Final = 15.0
_MARK: Final = "replayed"
"""Every record of ours has this header: a topic that others write is never written to."""


class NewTopicSink:
    """A topic of four partitions, kept for ever, keyed and with headers like its origin.

    Each chunk is one Kafka transaction, so the topic holds every position up to its last once,
    also after a kill. Two replays into one topic exclude each other: the later one wins.
    """

    def __init__(self, bootstrap: str, prefix: str, name: str, *, append: bool) -> None:
        """`append`: go on with what an earlier replay made. Raises ReplayError."""
        self._bootstrap = bootstrap
        self._name = name
        ensure_not_ours(name, prefix)
        try:
            self._producer = Producer(
                producer_config(bootstrap, transactional_id=f"nudge-replay-{name}")
            )
            # First, because it waits until what an earlier replay committed can be read.
            self._producer.init_transactions(_TIMEOUT)
            self.last = self._prepared(append=append)
        except KafkaException as error:
            raise KafkaUnavailableError(f"{name}: {error.args[0].str()}") from error

    def write(self, records: Sequence[Replayed]) -> None:
        """The chunk in one transaction. Raises KafkaUnavailableError; nothing is there then."""
        if not records:
            return
        try:
            self._producer.begin_transaction()
            for record in records:
                headers: list[tuple[str, str | bytes | None]] = [*record.headers.items()]
                headers.append((_MARK, record.topic))
                self._producer.produce(self._name, record.value, record.key, headers=headers)
                self._producer.poll(0)
            self._producer.commit_transaction(_TIMEOUT)
        except KafkaException as error:
            raise KafkaUnavailableError(f"{self._name}: {error.args[0].str()}") from error

    def close(self) -> None:
        """Wait until readers see the last chunk: a commit returns a moment before they do."""
        deadline = time.monotonic() + _TIMEOUT
        try:
            while self._ends("read_committed") != self._ends("read_uncommitted"):
                if time.monotonic() > deadline:
                    raise KafkaUnavailableError(f"{self._name}: the last chunk is not visible yet")
                time.sleep(0.05)
        except KafkaException as error:
            raise KafkaUnavailableError(f"{self._name}: {error.args[0].str()}") from error

    def _ends(self, isolation: str) -> list[int]:
        """Where each partition ends for such a reader."""
        config = consumer_config(self._bootstrap, isolation_level=isolation)
        with closing(Consumer(config)) as reader:
            known = reader.list_topics(self._name, timeout=_TIMEOUT).topics[self._name].partitions
            places = [TopicPartition(self._name, number) for number in sorted(known)]
            return [watermarks(reader, each, _TIMEOUT)[1] for each in places]

    def _prepared(self, *, append: bool) -> int:
        """Make the topic, or look at what is there: its last position."""
        admin = AdminClient(client_config(self._bootstrap))
        known = admin.list_topics(timeout=_TIMEOUT).topics
        if self._name not in known:
            new = NewTopic(self._name, _PARTITIONS, -1, config={"retention.ms": "-1"})
            admin.create_topics([new])[self._name].result(_TIMEOUT)
            return 0
        if not append:
            raise ReplayError(f"there is a topic {self._name}; go on with it with --append")
        return self._last(len(known[self._name].partitions))

    def _last(self, partitions: int) -> int:
        """The highest position; positions rise within a partition."""
        return max((self._newest(number) for number in range(partitions)), default=0)

    def _newest(self, partition: int) -> int:
        """The last position of a partition: the last offsets may be markers of transactions, so
        a few are looked at, then more."""
        for back in (3, 100, 2**62):
            whole, position = self._last_of(partition, back)
            if position is not None or whole:
                return position or 0
        return 0

    def _last_of(self, partition: int, back: int) -> tuple[bool, int | None]:
        """Whether the last `back` offsets are all there are, and the last position in them.

        By a client of its own, so that no end of another look is taken for this one's.
        """
        with closing(Consumer(consumer_config(self._bootstrap, enable_partition_eof=True))) as it:
            place = TopicPartition(self._name, partition)
            first, end = watermarks(it, place, _TIMEOUT)
            start = max(first, end - back)
            it.assign([TopicPartition(self._name, partition, start)])
            position = None
            while (message := it.poll(_TIMEOUT)) is not None and message.error() is None:
                position = self._position(message)
            return start == first, position

    def _position(self, message: Any) -> int:
        headers = dict(message.headers() or ())
        if _MARK not in headers:
            raise ReplayError(f"{self._name} holds records that no replay wrote")
        raw = headers.get("position", b"")
        return int(raw) if raw else 0


def ensure_not_ours(name: str, prefix: str) -> None:
    """Raise ReplayError for a name that is no topic's, or a topic's of the product or of Kafka."""
    described = all_topics().values()
    ours = {topic.name for topic in described} | {f"{topic.name}-dlq" for topic in described}
    if not _NAME.match(name) or name in (".", ".."):
        raise ReplayError(f"{name!r} is no name of a topic: letters, digits, dot, - and _")
    if name in ours or name.removeprefix(prefix) in ours or name.startswith("__"):
        raise ReplayError(f"{name} is a topic of the product: a replay makes one of its own")

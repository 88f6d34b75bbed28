"""Every topic of Kafka from its beginning, aborted records included, decompressed and decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from infra.erasure.needles import Needles
from infra.erasure.stores.events import Read, read_events
from infra.erasure.stores.trace import Trace, traces
from infra.kafka import KafkaUnavailableError, arrived, consumer_config
from schemas.codec import Codec
from schemas.ports import KeyRing

_CHUNK: Final = 2_000
_PATIENCE: Final = 20


class Topics:
    """Reads topics of one installation. Use as a context; blocks on Kafka."""

    def __init__(self, bootstrap: str, prefix: str, codec: Codec, keys: KeyRing) -> None:
        config = consumer_config(
            bootstrap, enable_partition_eof=True, isolation_level="read_uncommitted"
        )
        self._consumer = Consumer(config)
        self._prefix = prefix
        self._codec = codec
        self._keys = keys

    def __enter__(self) -> Topics:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def names(self) -> list[str]:
        """Topics with the installation's prefix; Kafka's own hold no content."""
        found = self._consumer.list_topics(timeout=10).topics
        return sorted(n for n in found if n.startswith(self._prefix) and not n.startswith("__"))

    def search(self, topic: str, needles: Needles) -> Iterator[Trace]:
        """One topic up to its end. Raises KafkaUnavailableError."""
        store = f"kafka:{topic.removeprefix(self._prefix)}"
        left = set(self._consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in left])
        silent = 0
        while left:
            messages = arrived(self._consumer, _CHUNK, 1.0)
            silent = 0 if messages else silent + 1
            if silent > _PATIENCE:
                raise KafkaUnavailableError(f"{topic} does not let itself be read to its end")
            yield from self._in_messages(store, messages, needles)
            left -= {m.partition() for m in messages if _is_end(m)}

    def _in_messages(
        self, store: str, messages: list[Message], needles: Needles
    ) -> Iterator[Trace]:
        good = [message for message in messages if message.error() is None]
        reads = read_events(self._codec, self._keys, [(m.value() or b"", 0) for m in good])
        for message, read in zip(good, reads, strict=True):
            headers = _headers(message)
            place = f"partition {message.partition()} offset {message.offset()}"
            position = headers.get("position", b"")
            yield from traces(
                needles, (_opened(read), message.key(), list(headers.values())), store, place,
                organization=read.organization or _text(headers.get("organization")),
                owner=read.owner, at=_at(message),
                position=int(position) if position.isdigit() else None,
            )  # fmt: skip


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001


def _opened(read: Read) -> Any:
    """A body that is JSON, by what it says: escapes in it would hide an address."""
    if not isinstance(read.value, bytes):
        return read.value
    try:
        return (read.value, json.loads(read.value))
    except ValueError:
        return read.value


def _headers(message: Message) -> dict[str, bytes]:
    listed: Any = message.headers() or []
    return {str(name): value or b"" for name, value in listed}


def _text(value: bytes | None) -> str | None:
    return value.decode(errors="replace") if value else None


def _at(message: Message) -> datetime | None:
    kind, millis = message.timestamp()
    return datetime.fromtimestamp(millis / 1000, UTC) if kind else None

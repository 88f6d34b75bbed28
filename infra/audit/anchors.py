"""Where signed heads are kept out of the database's reach: a file, and a Kafka topic."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from domain.audit.heads import TreeHead
from infra.kafka import producer_config

TOPIC = "audit-heads"
_LONGEST_LINE = 64 * 1024


def heads_file(data_dir: Path) -> Path:
    """Where the heads are kept for an outsider to copy."""
    return data_dir.absolute() / "audit" / "heads.ndjson"


def file_heads(path: Path, heads: Sequence[TreeHead]) -> None:
    """Append the heads, one JSON object a line, and have them on the disk. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        _drop_torn_line(file)
        file.write("".join(head.line + "\n" for head in heads).encode())
        file.flush()
        os.fsync(file.fileno())


def _drop_torn_line(file: BinaryIO) -> None:
    """A line that a crash cut short would spoil the next one; its head is filed again."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, end - _LONGEST_LINE))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.truncate(start + tail.rfind(b"\n") + 1)


class HeadsTopic:
    """The Kafka topic of heads; key: the log's id, value: the head as JSON."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._topic = prefix + TOPIC
        self._producer = Producer(producer_config(bootstrap, delivery_timeout_ms=5_000))

    def publish(self, heads: Sequence[TreeHead]) -> None:
        """Have them acknowledged by all replicas. Raises KafkaException."""
        failed: list[KafkaError] = []

        def done(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(error)

        for head in heads:
            self._producer.produce(self._topic, head.line, head.log, on_delivery=done)
        left = self._producer.flush(10)
        if failed:
            raise KafkaException(failed[0])
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001

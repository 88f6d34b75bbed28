"""What the streams need from outside: handlers of batches, and somewhere to put dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from projections.batch import Batch, Record

Partition = tuple[str, int]
"""Logical topic and partition number."""


class TransientError(Exception):
    """A handler's way to say: nothing is wrong with the batch, try it again later."""


class RefusedRecordError(Exception):
    """The record says nothing anybody could use, which says nothing about this process.

    It goes to the dead letters like any other, and is not counted as a sign of something larger.
    """


class DeadLettersUnavailableError(Exception):
    """A dead letter could not be written for certain; the record must not be passed over."""


class StopProcess(Exception):  # noqa: N818
    """This process must not go on; the message is the one line it exits with."""


class Handler(Protocol):
    """A consumer of batches that keeps its own positions. Called from one thread at a time."""

    @property
    def name(self) -> str:
        """Name of the consumer, also of its consumer group (behind the prefix)."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Logical topics it reads, all partitions of each."""

    def next_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Where to resume; a partition that is missing is read from its start."""

    def handle(self, batch: Batch) -> None:
        """Handle all of a batch in ONE transaction, its new position included.

        Repeats and overlaps change nothing: records below the stored position are dropped.
        Raises psycopg.OperationalError, TransientError or a connection error for transient
        trouble; anything else means that the batch itself cannot be handled.
        """

    def skip(self, batch: Batch) -> None:
        """Store the position behind a batch that is in the dead-letter topic."""


class DeadLetters(Protocol):
    """The dead-letter topics."""

    def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
        """Write one record to its topic's dead letters; returns once all replicas have it.

        Raises DeadLettersUnavailableError. May be called again for the same record.
        """


class Ends(Protocol):
    """Where partitions end."""

    def end_offsets(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offset behind the last committed record or transaction marker of each partition.

        Raises when Kafka does not answer.
        """

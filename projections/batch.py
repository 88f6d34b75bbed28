"""Batches of records as the transport hands them to a handler: one partition, offsets rising."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record. `topic` is the logical name, without the installation's prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)
    timestamp_ms: int = 0

    @property
    def position(self) -> int:
        """Position in the event log; 0 for a record that did not come from the log.

        Raises ValueError when the header is there but is no decimal number.
        """
        raw = self.headers.get("position")
        return 0 if raw is None else int(raw)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in offset order; offsets may have gaps (transaction markers)."""

    topic: str
    partition: int
    records: tuple[Record, ...]

    def __len__(self) -> int:
        return len(self.records)

    def __bool__(self) -> bool:
        return bool(self.records)

    @property
    def next_offset(self) -> int:
        """Where to resume once this batch is stored. Raises IndexError for an empty batch."""
        return self.records[-1].offset + 1

    @property
    def position(self) -> int:
        """Position of the last record. Raises IndexError for an empty batch."""
        return self.records[-1].position

    def after(self, offset: int) -> Batch:
        """Without the records below `offset` (the stored next offset): what is still to do."""
        if not self.records or self.records[0].offset >= offset:
            return self
        return Batch(
            self.topic,
            self.partition,
            tuple(record for record in self.records if record.offset >= offset),
        )

    def split(self) -> tuple[Batch, Batch]:
        """Two halves, in order, to find the record that fails; the first half is never larger.

        Raises ValueError for fewer than two records.
        """
        if len(self.records) < 2:
            raise ValueError("a batch of fewer than two records cannot be split")
        middle = len(self.records) // 2
        return (
            Batch(self.topic, self.partition, self.records[:middle]),
            Batch(self.topic, self.partition, self.records[middle:]),
        )

"""Rows of one partition that wait to be written, and where the next batch is cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from projections.clickhouse.bookkeeping import Planned, Standing
from projections.clickhouse.rows.fields import Row


class Entry(NamedTuple):
    """One record's rows. `special` is for the topic's own table (`turns`, `deliveries`), if any.

    A record that was dead-lettered, or that repeats a position, has no rows.
    """

    offset: int
    position: int
    size: int
    event: Row | None
    special: Row | None


class PartitionBuffer:
    """Entries in offset order, without a gap from the stored next offset on.

    `next_offset` and `position` are where the buffer ends: what it has been given. When bounds
    are already recorded (by us before a crash, or by another process), they decide the next
    batch, and it waits until its last record is here.
    """

    __slots__ = ("entries", "next_offset", "oldest", "position", "size", "standing")

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.entries: list[Entry] = []
        self.size = 0
        self.next_offset = standing.next_offset or 0
        self.position = standing.position
        self.oldest = 0.0

    @property
    def waits_for_its_end(self) -> bool:
        """True while recorded bounds end beyond what is here."""
        return self.standing.bounds is not None and self.next_offset <= self.standing.bounds[1]

    def add(self, entries: Sequence[Entry], now: float) -> None:
        """Appends entries that follow the ones that are here. `now`: seconds, monotonic."""
        if not self.entries:
            self.oldest = now
        self.entries.extend(entries)
        self.size += sum(entry.size for entry in entries)
        self.next_offset = entries[-1].offset + 1
        self.position = max(self.position, entries[-1].position)

    def next_batch(self, max_rows: int, max_bytes: int) -> list[Entry]:
        """The entries to write next; empty while recorded bounds wait for their last record."""
        if self.standing.bounds is not None:
            last = self.standing.bounds[1]
            if self.waits_for_its_end:
                return []
            return list(takewhile(lambda entry: entry.offset <= last, self.entries))
        batch, size = self.entries[:max_rows], 0
        for index, entry in enumerate(batch):
            size += entry.size
            if size > max_bytes and index:
                return batch[:index]
        return batch

    def plan(self, batch: Sequence[Entry]) -> Planned:
        """The bounds to record for `batch`: the recorded ones when there are any."""
        first, last = self.standing.bounds or (batch[0].offset, batch[-1].offset)
        position = max(self.standing.position, batch[-1].position)
        return Planned(first, last, position, self.standing)

    def settle(self, standing: Standing, now: float) -> None:
        """Takes over where the database says we stand.

        What lies below the stored next offset is written, by us or by whoever else, and goes.
        """
        self.standing = standing
        stored = standing.next_offset or 0
        gone = sum(1 for _ in takewhile(lambda entry: entry.offset < stored, self.entries))
        self.size -= sum(entry.size for entry in self.entries[:gone])
        del self.entries[:gone]
        self.oldest = now if gone else self.oldest
        self.next_offset = max(self.next_offset, stored)
        self.position = max(self.position, standing.position)

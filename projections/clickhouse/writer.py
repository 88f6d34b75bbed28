"""Writes events to ClickHouse, each exactly once, whatever crashed.

Records become rows at once and wait in memory for a moment, so that small chunks make few inserts;
a thread of the writer's own cuts batches, records their bounds, inserts, and stores positions. A
record counts as read only when its position is stored: what waits in a process that dies is read
again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from domain.shared.faults import FaultPoint, Reach, unarmed
from projections.batch import Batch, Record
from projections.clickhouse import record_rows
from projections.clickhouse.bookkeeping import Bookkeeping, Partition, Planned, Standing
from projections.clickhouse.buffer import Entry, PartitionBuffer
from projections.clickhouse.inserts import Inserter, token
from schemas.codec import Codec

_log = structlog.get_logger("analytics")


class NotWrittenError(ConnectionError):
    """Transient: ClickHouse or Postgres is away or behind. Nothing was taken; try it again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When rows are written, and how many may wait. Seconds, rows and bytes.

    A record is written about `linger` after it came. When more than `busy_rows` wait by then,
    there is a backlog and speed counts more than freshness: then `flush_rows` are awaited, or
    `busy_linger`, because large inserts cost ClickHouse half as much a row. A batch of one
    partition never exceeds `batch_rows`, or `batch_bytes` by more than a record. `handle` waits up
    to `patience` for room below `waiting_rows` and `waiting_bytes`.
    """

    linger: float = 0.15
    busy_rows: int = 3_000
    busy_linger: float = 1.0
    flush_rows: int = 24_000
    batch_rows: int = 10_000
    batch_bytes: int = 8_000_000
    waiting_rows: int = 48_000
    waiting_bytes: int = 48_000_000
    patience: float = 5.0
    retry_after: float = 0.1
    retry_at_most: float = 5.0


class AnalyticsWriter:
    """The handler of the analytics role: satisfies streams' Handler.

    `handle` returns when the records are rows in memory; positions follow when they are stored.
    Call `close` to write what waits before the process ends. All methods may be called from any
    thread. Raises NotWrittenError or psycopg.OperationalError while ClickHouse or Postgres is
    away; anything else means that a record of the batch can never become a row, and then none of
    the batch was taken.
    """

    name: Final = "analytics"

    def __init__(
        self,
        codec: Codec,
        bookkeeping: Bookkeeping,
        inserter: Inserter,
        *,
        topics: Sequence[str],
        topic_prefix: str = "",
        limits: Limits = Limits(),
        monotonic: Callable[[], float] = time.monotonic,
        reach: Reach = unarmed,
    ) -> None:
        self.topics = tuple(topics)
        self._codec = codec
        self._bookkeeping = bookkeeping
        self._inserter = inserter
        self._prefix = topic_prefix
        self._limits = limits
        self._monotonic = monotonic
        self._reach = reach
        self._buffers: dict[Partition, PartitionBuffer] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self.failure: Exception | None = None
        """Why the last write failed; None once one succeeds."""
        self._closing = False
        self._thread: threading.Thread | None = None

    def next_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Where to resume; a partition that was never read is missing.

        What already waits here is kept and counts as read. Waits for an insert that is under way.
        Raises psycopg.OperationalError when Postgres is away.
        """
        with self._writing:
            found = self._bookkeeping.load(partitions)
            with self._changed:
                for partition, standing in found.items():
                    buffer = self._buffers.setdefault(partition, PartitionBuffer(standing))
                    buffer.settle(standing, self._monotonic())
        resume = {partition: self._buffers[partition].next_offset for partition in found}
        return {partition: offset for partition, offset in resume.items() if offset}

    def handle(self, batch: Batch) -> None:
        """Turns the records into rows that are written soon, all of them or none."""
        gone = self._bookkeeping.departed()
        self._take(batch, lambda records: record_rows.entries(self._codec, records, gone))

    def skip(self, batch: Batch) -> None:
        """Passes over records that were dead-lettered: their position is stored, no row."""
        self._take(batch, record_rows.skipped)

    def flush(self) -> None:
        """Writes what waits, now. Raises what Postgres and clickhouse-connect raise."""
        while self._write_once():
            pass

    def close(self) -> None:
        """Writes what waits, once, and stops. What cannot be written is read again next time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - nothing is lost: positions were not stored
            _log.warning("not_written_at_stop", error=str(error))
        self._inserter.close()

    def _take(self, batch: Batch, rows_of: Callable[[Sequence[Record]], list[Entry]]) -> None:
        partition = (batch.topic, batch.partition)
        self._wait_for_room(partition)
        buffer = self._buffers.get(partition) or self._resumed(partition)
        todo = batch.after(buffer.next_offset)
        if not todo:
            return
        entries = record_rows.without_repeats(rows_of(todo.records), buffer.position)
        with self._changed:
            buffer.add(entries, self._monotonic())
            self._start()
            self._changed.notify_all()

    def _resumed(self, partition: Partition) -> PartitionBuffer:
        self.next_offsets([partition])
        return self._buffers[partition]

    def _wait_for_room(self, partition: Partition) -> None:
        """Blocks while too much waits. Bounds that wait for their last record get room always."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.failure or self._room(partition), self._limits.patience
            )
            if self.failure is not None:
                raise NotWrittenError(f"not written yet: {self.failure}") from self.failure
            if not self._room(partition):
                raise NotWrittenError("too many rows wait to be written")

    def _room(self, partition: Partition) -> bool:
        buffer = self._buffers.get(partition)
        if buffer is not None and buffer.waits_for_its_end:
            return True
        waiting = self._buffers.values()
        return (
            sum(len(buffer.entries) for buffer in waiting) < self._limits.waiting_rows
            and sum(buffer.size for buffer in waiting) < self._limits.waiting_bytes
        )

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="analytics-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """The writer's thread: writes what is due, and tries again for as long as it takes."""
        failures = 0
        while self._wait_until_due(failures):
            try:
                self._write_once()
                failures = 0
            except Exception as error:  # noqa: BLE001 - kept, raised by handle, tried again
                failures += 1
                _log.warning("not_written", error=str(error), failures=failures)
                with self._changed:
                    self.failure = error
                    self._changed.notify_all()

    def _wait_until_due(self, failures: int) -> bool:
        """Blocks until there is something to write; False when the writer closes."""
        limits = self._limits
        with self._changed:
            if failures:
                pause = min(limits.retry_after * 2 ** min(failures, 10), limits.retry_at_most)
                self._changed.wait_for(lambda: self._closing, pause)
            while not self._closing:
                due_in = self._due_in()
                if due_in <= 0:
                    return True
                self._changed.wait(None if due_in == float("inf") else due_in)
            return False

    def _due_in(self) -> float:
        """Seconds until the next write; infinite when nothing can be written."""
        ready = [b for b in self._buffers.values() if b.entries and not b.waits_for_its_end]
        if not ready:
            # A failure is over only when a write succeeds: with nothing to write there is none.
            self.failure = None
            return float("inf")
        limits = self._limits
        rows = sum(len(buffer.entries) for buffer in ready)
        if rows >= limits.flush_rows or sum(b.size for b in ready) >= limits.batch_bytes:
            return 0.0
        linger = limits.busy_linger if rows > limits.busy_rows else limits.linger
        return min(b.oldest for b in ready) + linger - self._monotonic()

    def _write_once(self) -> bool:
        """Writes one batch of every partition that has one; False when none has."""
        with self._writing:
            batches = self._cut()
            if not batches:
                return False
            planned = {p: plan for p, (plan, _) in batches.items()}
            standings = self._bookkeeping.begin(planned)
            mine = {p: b for p, b in planned.items() if standings[p].bounds == (b.first, b.last)}
            if mine:
                self._reach(FaultPoint.CLICKHOUSE_BEFORE_INSERT)
                self._insert({p: (plan, batches[p][1]) for p, plan in mine.items()})
                standings |= self._bookkeeping.complete(mine)
            self._settle(standings)
            return True

    def _cut(self) -> dict[Partition, tuple[Planned, list[Entry]]]:
        limits, cut = self._limits, {}
        with self._changed:
            for partition, buffer in self._buffers.items():
                entries = buffer.next_batch(limits.batch_rows, limits.batch_bytes)
                if entries:
                    cut[partition] = (buffer.plan(entries), entries)
        return cut

    def _insert(self, batches: Mapping[Partition, tuple[Planned, list[Entry]]]) -> None:
        self._inserter.insert(
            [
                insert
                for partition, (plan, entries) in batches.items()
                for insert in record_rows.inserts(
                    partition[0], entries, partial(token, self._prefix, partition, plan)
                )
            ]
        )
        self._inserter.report_progress({p: plan.position for p, (plan, _) in batches.items()})

    def _settle(self, standings: Mapping[Partition, Standing]) -> None:
        with self._changed:
            for partition, standing in standings.items():
                self._buffers[partition].settle(standing, self._monotonic())
            self.failure = None
            self._changed.notify_all()

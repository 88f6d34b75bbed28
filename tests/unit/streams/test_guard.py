"""Nothing escapes the guard: every record is handled, put aside, or the process stops."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from projections.batch import Batch, Record
from streams.guard import Abandoned, Guard, GuardSettings
from streams.poison import Backoff, PoisonLimits
from streams.ports import (
    DeadLettersUnavailableError,
    Partition,
    RefusedRecordError,
    StopProcess,
    TransientError,
)


def batch(*values: bytes, first: int = 0) -> Batch:
    records = tuple(Record("t", 3, first + i, b"k", value) for i, value in enumerate(values))
    return Batch("t", 3, records)


class Memory:
    """A handler that keeps what it handled, in order, and fails as it is told."""

    name = "memory"
    topics: tuple[str, ...] = ("t",)

    def __init__(self) -> None:
        self.handled: list[int] = []
        self.next_offset = 0
        self.trouble: list[Exception] = []

    def next_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, self.next_offset)

    def handle(self, batch: Batch) -> None:
        if self.trouble:
            raise self.trouble.pop()
        fresh = batch.after(self.next_offset)
        if any(record.value == b"bad" for record in fresh.records):
            raise ValueError("cannot be\nread")
        self.handled += [record.offset for record in fresh.records]
        self.next_offset = batch.next_offset

    def skip(self, batch: Batch) -> None:
        if self.trouble:
            raise self.trouble.pop()
        self.next_offset = batch.next_offset


class Drawer:
    """Dead letters in memory."""

    def __init__(self, *, works: bool = True) -> None:
        self.offsets: list[int] = []
        self.reasons: list[str] = []
        self.traces: list[str] = []
        self._works = works

    def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
        if not self._works:
            raise DeadLettersUnavailableError("no leader")
        assert consumer == "memory"
        self.offsets.append(record.offset)
        self.reasons.append(reason)
        self.traces.append(trace)


def guard(handler: Memory, drawer: Drawer, **settings: object) -> tuple[Guard, list[float]]:
    """A guard whose clock stands still and whose pauses are written down."""
    pauses: list[float] = []
    made = Guard(
        handler,
        drawer,
        GuardSettings(**settings),  # type: ignore[arg-type]
        clock=lambda: 0.0,
        jitter=lambda: 0.0,
        pause=pauses.append,
    )
    return made, pauses


def test_a_handler_that_fails_on_every_fifth_record_loses_none() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, _ = guard(handler, drawer)

    for first in range(0, 200, 40):
        values = [b"bad" if offset % 5 == 4 else b"ok" for offset in range(first, first + 40)]
        guarded.process(batch(*values, first=first))

    assert drawer.offsets == list(range(4, 200, 5))
    assert handler.handled == [offset for offset in range(200) if offset % 5 != 4]
    assert handler.next_offset == 200


def test_a_bad_record_is_put_aside_with_its_reason_and_trace() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, pauses = guard(handler, drawer)

    guarded.process(batch(b"ok", b"bad", b"ok"))

    assert drawer.reasons == ["ValueError: cannot be read"]
    assert "in handle" in drawer.traces[0]
    assert pauses == []


def test_transient_trouble_is_waited_out_in_place_with_growing_pauses() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, pauses = guard(handler, drawer, backoff=Backoff(first=0.1, ceiling=0.5))
    handler.trouble = [psycopg.OperationalError("server closed"), TransientError(), TimeoutError()]
    handler.trouble *= 2

    guarded.process(batch(b"a", b"b"))

    assert handler.handled == [0, 1]
    assert drawer.offsets == []
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5, 0.5])
    assert not guarded.retrying


def test_trouble_while_passing_over_a_dead_letter_is_waited_out_too() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, pauses = guard(handler, drawer)

    class Flaky(Drawer):
        def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
            super().put(record, consumer=consumer, reason=reason, trace=trace)
            handler.trouble = [psycopg.OperationalError("gone")]

    flaky = Flaky()
    guarded._dead_letters = flaky
    guarded.process(batch(b"bad"))

    assert flaky.offsets == [0]
    assert handler.next_offset == 1
    assert len(pauses) == 1


def test_without_a_dead_letter_topic_the_process_stops_and_passes_nothing_over() -> None:
    handler, drawer = Memory(), Drawer(works=False)
    guarded, _ = guard(handler, drawer)

    with pytest.raises(StopProcess, match=r"memory: cannot put aside t:3:1 .*no leader"):
        guarded.process(batch(b"ok", b"bad", b"ok"))
    assert handler.handled == [0]
    assert handler.next_offset == 1


def test_too_much_poison_stops_the_process_before_the_next_record_is_put_aside() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, _ = guard(handler, drawer, limits=PoisonLimits(most=3))

    with pytest.raises(StopProcess, match=r"too many bad records \(more than 3 within 60 s\)"):
        guarded.process(batch(*[b"bad"] * 8))
    assert drawer.offsets == [0, 1, 2]
    assert handler.next_offset == 3


def test_records_that_nobody_could_use_are_put_aside_and_stop_nothing() -> None:
    class Picky(Memory):
        def handle(self, batch: Batch) -> None:
            if any(record.value == b"junk" for record in batch.records):
                raise RefusedRecordError("no JSON")
            super().handle(batch)

    handler, drawer = Picky(), Drawer()
    guarded, _ = guard(handler, drawer, limits=PoisonLimits(most=3))

    guarded.process(batch(*[b"junk"] * 8, b"ok"))

    assert drawer.offsets == list(range(8))
    assert handler.handled == [8]


def test_a_retry_is_abandoned_when_the_batch_is_no_longer_ours() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, _ = guard(handler, drawer)
    handler.trouble = [TransientError()]

    with pytest.raises(Abandoned):
        guarded.process(batch(b"a"), is_ours=lambda: False)
    assert handler.handled == []


def test_a_retry_is_abandoned_when_the_process_stops() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, _ = guard(handler, drawer)
    guarded.stop()
    handler.trouble = [TransientError()]

    with pytest.raises(Abandoned):
        guarded.process(batch(b"a"))
    guarded.process(batch(b"a"))
    assert handler.handled == [0]


def test_a_handler_may_stop_the_process() -> None:
    handler, drawer = Memory(), Drawer()
    guarded, _ = guard(handler, drawer)
    handler.trouble = [StopProcess("no keys")]

    with pytest.raises(StopProcess, match="no keys"):
        guarded.process(batch(b"a", b"b"))
    assert drawer.offsets == []


def test_an_empty_batch_is_nothing_to_do() -> None:
    handler = Memory()
    guarded, _ = guard(handler, Drawer())
    guarded.process(Batch("t", 0, ()))
    assert handler.handled == []

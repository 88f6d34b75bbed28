"""Where batches are cut, and what recorded bounds do to that."""

from __future__ import annotations

from collections.abc import Iterable

from projections.clickhouse.bookkeeping import Standing
from projections.clickhouse.buffer import Entry, PartitionBuffer

FRESH = Standing(None, 0, None)


def entries(offsets: Iterable[int], size: int = 10) -> list[Entry]:
    return [Entry(offset, offset + 1, size, (offset,), None) for offset in offsets]


def buffer(standing: Standing, offsets: Iterable[int], size: int = 10) -> PartitionBuffer:
    made = PartitionBuffer(standing)
    made.add(entries(offsets, size), now=1.0)
    return made


def offsets_of(batch: list[Entry]) -> list[int]:
    return [entry.offset for entry in batch]


def test_a_batch_ends_at_the_limit_of_rows_or_of_bytes() -> None:
    made = buffer(FRESH, range(10))
    assert offsets_of(made.next_batch(4, 1_000)) == [0, 1, 2, 3]
    assert offsets_of(made.next_batch(100, 35)) == [0, 1, 2]


def test_a_record_larger_than_the_limit_is_a_batch_of_its_own() -> None:
    assert offsets_of(buffer(FRESH, range(3), size=50).next_batch(100, 35)) == [0]


def test_recorded_bounds_decide_the_batch_whatever_the_limits() -> None:
    made = buffer(Standing(5, 5, (5, 9)), range(5, 20))
    batch = made.next_batch(2, 10)
    assert offsets_of(batch) == [5, 6, 7, 8, 9]
    plan = made.plan(batch)
    assert (plan.first, plan.last, plan.position) == (5, 9, 10)


def test_nothing_is_written_until_the_last_record_of_the_bounds_is_here() -> None:
    made = buffer(Standing(5, 5, (5, 9)), range(5, 9))
    assert made.waits_for_its_end
    assert made.next_batch(100, 1_000) == []
    made.add(entries([9]), now=2.0)
    assert not made.waits_for_its_end
    assert offsets_of(made.next_batch(100, 1_000)) == [5, 6, 7, 8, 9]


def test_what_is_stored_goes_and_what_came_since_stays() -> None:
    made = buffer(FRESH, range(10))
    made.settle(Standing(6, 6, None), now=3.0)
    assert offsets_of(made.entries) == [6, 7, 8, 9]
    assert (made.size, made.oldest, made.next_offset) == (40, 3.0, 10)


def test_what_another_process_stored_beyond_the_buffer_is_taken_over() -> None:
    made = buffer(FRESH, range(3))
    made.settle(Standing(50, 70, None), now=3.0)
    assert (made.entries, made.next_offset, made.position, made.size) == ([], 50, 70, 0)


def test_a_batch_of_skipped_records_keeps_the_position() -> None:
    made = PartitionBuffer(Standing(5, 77, None))
    made.add([Entry(5, 0, 0, None, None)], now=1.0)
    assert made.plan(made.next_batch(10, 10)).position == 77

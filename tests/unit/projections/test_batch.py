"""What a batch promises: resume points, dropping what is stored, bisecting."""

from __future__ import annotations

import pytest

from projections.batch import Batch, Record


def batch_of(*offsets: int) -> Batch:
    records = tuple(
        Record("delivery-events", 1, offset, b"k", b"v", {"position": b"%d" % (offset * 10)})
        for offset in offsets
    )
    return Batch("delivery-events", 1, records)


def test_a_batch_resumes_behind_its_last_record() -> None:
    batch = batch_of(3, 4, 7)
    assert batch.next_offset == 8
    assert batch.position == 70
    assert len(batch) == 3


def test_a_record_without_a_position_stands_at_zero() -> None:
    assert Record("postmark-webhooks", 0, 5, None, b"{}").position == 0


def test_a_position_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="x1"):
        _ = Record("delivery-events", 0, 5, None, b"", {"position": b"x1"}).position


@pytest.mark.parametrize(("offset", "left"), [(0, [3, 4, 7]), (3, [3, 4, 7]), (5, [7]), (8, [])])
def test_what_is_stored_is_dropped(offset: int, left: list[int]) -> None:
    assert [record.offset for record in batch_of(3, 4, 7).after(offset).records] == left


def test_an_empty_batch_is_false() -> None:
    assert not batch_of(1).after(2)
    assert batch_of(1)


def test_halves_make_the_whole_in_order() -> None:
    first, second = batch_of(1, 2, 3).split()
    assert [r.offset for r in first.records] == [1]
    assert [r.offset for r in second.records] == [2, 3]


def test_one_record_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        batch_of(1).split()

"""Positions in the log and offsets of a partition: one found from the other, gaps and all."""

from __future__ import annotations

from infra.backup.places import offsets_in, positions_in
from projections.batch import Record


def partition(*places: tuple[int, int | str]) -> list[Record]:
    """Records with these offsets and positions."""
    return [
        Record("events", 0, offset, None, b"", {"position": str(position).encode()})
        for offset, position in places
    ]


OLD = partition((4, 3), (5, 7), (9, 12), (10, 20))
"""With transaction markers between, and others' positions."""
NEW = partition((0, 3), (1, 7), (2, 12), (5, 20))


def test_a_consumer_goes_on_behind_the_event_it_had() -> None:
    assert offsets_in(NEW, [0, 2, 3, 7, 12, 15, 20, 99]) == {
        0: 0, 2: 0, 3: 1, 7: 2, 12: 3, 15: 3, 20: 6, 99: 6
    }  # fmt: skip


def test_an_offset_has_the_last_event_in_front_of_it() -> None:
    assert positions_in(OLD, [0, 4, 5, 6, 8, 9, 10, 11, 50], 20) == {
        0: 0, 4: 0, 5: 3, 6: 7, 8: 7, 9: 7, 10: 12, 11: 20, 50: 20
    }  # fmt: skip


def test_every_place_of_one_version_is_found_in_the_other() -> None:
    for offset, position in positions_in(OLD, range(12), 20).items():
        left = [record.position for record in OLD if record.offset >= offset]
        behind = offsets_in(NEW, [position])[position]
        assert [record.position for record in NEW if record.offset >= behind] == left


def test_records_of_nobody_and_repetitions_move_nothing_back() -> None:
    strange = partition((0, 3), (1, 10**12), (2, 7), (3, "x"), (4, 3))
    assert positions_in(strange, [2, 3, 4, 5], 20) == {2: 3, 3: 7, 4: 7, 5: 7}


def test_an_empty_partition_begins_at_its_start() -> None:
    assert offsets_in([], [0, 5]) == {0: 0, 5: 0}
    assert positions_in([], [0, 5], 9) == {0: 0, 5: 0}

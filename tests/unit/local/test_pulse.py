"""A heartbeat is judged by whether it goes on, whatever the wall clock says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.local.pulse import Pulse

NOON = 1_800_000_000
HOUR = 3600


class Watched:
    """A heartbeat at times of a wall clock, looked at by a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "beat"
        self.seconds = 100.0

    def beat(self, wall: float) -> None:
        self.file.touch()
        os.utime(self.file, (wall, wall))

    def pulse(self) -> Pulse:
        return Pulse(self.file, lambda: self.seconds)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_process_that_hangs_is_quiet_for_as_long_as_it_hangs(watched: Watched) -> None:
    pulse = watched.pulse()
    watched.seconds += 5
    watched.beat(NOON)
    assert pulse.quiet() == 0
    watched.seconds += 61
    assert pulse.quiet() == 61


def test_after_a_night_asleep_nothing_looks_old(watched: Watched) -> None:
    watched.beat(NOON)
    pulse = watched.pulse()
    watched.seconds += 1  # and the wall clock eight hours
    watched.beat(NOON + 8 * HOUR)
    assert pulse.quiet() == 0


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_clock_that_is_set_changes_nothing(watched: Watched, jump: int) -> None:
    watched.beat(NOON)
    pulse = watched.pulse()
    for second in range(1, 4):
        watched.seconds += 1
        watched.beat(NOON + jump + second)
        assert pulse.quiet() == 0
    watched.seconds += 7
    assert pulse.quiet() == 7


def test_a_beat_of_the_run_before_is_none_of_this_one(watched: Watched) -> None:
    watched.beat(NOON)
    pulse = watched.pulse()
    watched.seconds += 3
    assert (pulse.quiet(), pulse.felt) == (3, False)
    watched.beat(NOON + 1)
    assert (pulse.quiet(), pulse.felt) == (0, True)


def test_a_file_that_is_not_there_is_no_beat(watched: Watched) -> None:
    pulse = watched.pulse()
    watched.seconds += 2
    assert (pulse.quiet(), pulse.felt) == (2, False)
    watched.beat(NOON)
    pulse.quiet()
    watched.file.unlink()
    watched.seconds += 4
    assert pulse.quiet() == 4

"""A process that has work and does nothing is found; one that is idle or waits is left alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest

from streams.ports import Partition
from streams.watchdog import Progress, StallDetector, Watchdog

ENDS: dict[Partition, int] = {("t", 0): 10}


def watch(progress: Progress | None, ends: dict[Partition, int], seconds: float) -> str | None:
    """The verdict after the same was seen for so many seconds, with a limit of 60."""
    detector = StallDetector(limit=60)
    assert detector.observe(0, progress, ends) is None
    return detector.observe(seconds, progress, ends)


@pytest.mark.parametrize(
    ("progress", "because"),
    [
        (Progress(positions={("t", 0): 5}), "t:0 has records up to offset 10"),
        (Progress(positions={("t", 0): 10}, pending=2), "2 batches wait"),
        (Progress(rebalancing=True), "a rebalance is not finished"),
        (None, "the event loop does not answer"),
    ],
)
def test_work_without_movement_is_a_stall(progress: Progress | None, because: str) -> None:
    assert watch(progress, ENDS, 60) is None
    reason = watch(progress, ENDS, 61)
    assert reason is not None
    assert because in reason
    assert "61 s" in reason


@pytest.mark.parametrize(
    "progress",
    [
        Progress(positions={("t", 0): 10}),
        Progress(),
        Progress(positions={("t", 0): 5}, pending=1, retrying=True),
    ],
)
def test_idle_unassigned_or_retrying_is_no_stall(progress: Progress) -> None:
    assert watch(progress, ENDS, 10_000) is None


def test_kafka_being_away_is_no_stall() -> None:
    assert watch(Progress(positions={("t", 0): 5}), {}, 10_000) is None


def test_any_movement_starts_the_time_anew() -> None:
    detector = StallDetector(limit=60)
    for step in range(100):
        moving = Progress(positions={("t", 0): 5}, handled={("t", 0): step}, pending=1)
        assert detector.observe(step * 50, moving, ENDS) is None
    assert detector.observe(99 * 50 + 61, moving, ENDS) is not None


def test_the_watchdog_ends_a_stalled_process_with_the_reason() -> None:
    class Ends:
        def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
            return dict.fromkeys(partitions, 10)

    reasons: list[str] = []
    ended = threading.Event()

    def end(reason: str) -> None:
        reasons.append(reason)
        ended.set()

    stalled = Progress(positions={("t", 0): 5})
    Watchdog("memory", lambda: stalled, Ends(), limit=0.02, interval=0.005, end_process=end).start()

    assert ended.wait(60)
    assert reasons[0].startswith("memory: nothing moved")

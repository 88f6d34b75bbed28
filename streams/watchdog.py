"""Ends a stream process that has work and does nothing: a stall that nobody notices loses time.

Silent stalls of the consumer are known upstream, and a call to a dead server may never return.
Exiting is safe, because positions live with the rows; the supervisor starts the process again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from streams import metrics
from streams.ports import Ends, Partition

_EXIT_CODE = 71
_log = structlog.get_logger("streams.watchdog")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a process is. Equal values mean that nothing moved."""

    positions: Mapping[Partition, int] = field(default_factory=dict)
    """Next offset to fetch of each assigned partition, behind transaction markers."""
    handled: Mapping[Partition, int] = field(default_factory=dict)
    """Next offset to handle, of partitions of which something was handled."""
    pending: int = 0
    """Batches fetched and not handled yet."""
    retrying: bool = False
    rebalancing: bool = False


@dataclass(slots=True)
class StallDetector:
    """Decides, from what is seen now and then, whether a process has stalled. Pure."""

    limit: float
    """Seconds without any movement, although there is work, that are too long."""
    _last: Progress | None = None
    _since: float | None = None

    def observe(
        self, now: float, progress: Progress | None, ends: Mapping[Partition, int]
    ) -> str | None:
        """The reason to end the process, or None. No progress at all: its loop did not answer."""
        work = _work(progress, ends)
        moved = progress != self._last
        self._last = progress
        if work is None or moved or self._since is None:
            self._since = now
            return None
        if now - self._since <= self.limit:
            return None
        return f"nothing moved for {now - self._since:.0f} s although {work}"


def _work(progress: Progress | None, ends: Mapping[Partition, int]) -> str | None:
    """What there is to do, in words; None when nothing, or when it is known why it waits."""
    if progress is None:
        return "the event loop does not answer"
    if progress.retrying:
        return None
    if progress.pending:
        return f"{progress.pending} batches wait to be handled"
    if progress.rebalancing:
        return "a rebalance is not finished"
    for partition, position in progress.positions.items():
        if position < ends.get(partition, 0):
            return f"{partition[0]}:{partition[1]} has records up to offset {ends[partition]}"
    return None


class Watchdog:
    """Looks at one process from a thread of its own, and measures its lag while at it."""

    def __init__(
        self,
        name: str,
        look: Callable[[], Progress | None],
        ends: Ends,
        *,
        limit: float = 60.0,
        interval: float = 2.0,
        end_process: Callable[[str], None] | None = None,
    ) -> None:
        """`look` may block for a while and gives None when the process does not answer."""
        self._name = name
        self._look = look
        self._ends = ends
        self._detector = StallDetector(limit)
        self._interval = interval
        self._end_process = end_process or exit_at_once
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"{name}-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns at once."""
        self._closing.set()

    def _watch(self) -> None:
        while not self._closing.wait(self._interval):
            progress = self._look()
            ends = self._known_ends(progress)
            if progress is not None:
                _measure(self._name, progress, ends)
            reason = self._detector.observe(time.monotonic(), progress, ends)
            if reason is not None and not self._closing.is_set():
                self._end_process(f"{self._name}: {reason}")
                return

    def _known_ends(self, progress: Progress | None) -> Mapping[Partition, int]:
        if progress is None or not progress.positions:
            return {}
        try:
            return self._ends.end_offsets(progress.positions)
        except Exception as error:  # noqa: BLE001 - without ends there is nothing to compare
            _log.warning("no end offsets", consumer=self._name, reason=str(error))
            return {}


def _measure(name: str, progress: Progress, ends: Mapping[Partition, int]) -> None:
    for partition, end in ends.items():
        position = progress.positions[partition]
        if progress.pending:
            position = min(position, progress.handled.get(partition, position))
        labels = (name, partition[0], str(partition[1]))
        metrics.LAG_EVENTS.labels(*labels).set(max(end - position, 0))


def exit_at_once(reason: str) -> None:
    """End the process although a thread of it may hang."""
    sys.stderr.write(reason + "\n")
    sys.stderr.flush()
    os._exit(_EXIT_CODE)

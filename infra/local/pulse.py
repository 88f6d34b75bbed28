"""Whether a heartbeat goes on, by a clock that neither a correction nor a night asleep moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


class Pulse:
    """How long the file of a heartbeat has stood still, seen by who looks every so often.

    The time a file bears is the wall clock's, which is set, and goes on while a laptop sleeps: by
    it every wake-up would look like a hang. So only *that* it has changed counts, and how long ago,
    by CLOCK_MONOTONIC: it stands still while the machine sleeps (CLOCK_BOOTTIME does not), and so
    do both processes. A hang is found all the same, after so many seconds awake: soon enough for
    claims, because who resolves them is the same process, and looks twice, a settling time apart.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """From now on. `clock` in seconds."""
        self._file = file
        self._clock = clock
        self._touched = self._look()
        self._since = clock()
        self.felt = False
        """Whether there was a beat since."""

    def quiet(self) -> float:
        """Seconds since the last beat was seen, or since the beginning."""
        touched = self._look()
        if touched not in (None, self._touched):
            self._touched, self._since, self.felt = touched, self._clock(), True
        return self._clock() - self._since

    def _look(self) -> int | None:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return None

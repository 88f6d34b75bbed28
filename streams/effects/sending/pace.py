"""Pace: at most so many deliveries a second on one stream, and pauses after the provider's no."""

from __future__ import annotations

import threading
from collections.abc import Callable

LARGEST_BATCH = 500
GROWTH = 25
"""Deliveries by which a batch grows again after a success: half when it fails, little by little
back (additive increase, multiplicative decrease, as TCP does: RFC 5681, section 3.1)."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


class Pace:
    """The budget of one stream of one organization, shared by all threads of a process.

    A batch may start when the one before it has been paid for at the rate, and is at most one
    second's worth: so there is never more than one batch ahead of the rate. Times in seconds of
    any clock that only goes forward.
    """

    def __init__(self, rate: int, jitter: Callable[[], float]) -> None:
        """`rate` a second, 0 for unlimited; `jitter` gives numbers from 0 to 1."""
        self._rate = rate
        self._jitter = jitter
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._failures = 0
        self._most = min(LARGEST_BATCH, rate) if rate else LARGEST_BATCH
        self._batch_size = self._most

    @property
    def batch_size(self) -> int:
        """The most a batch may have, now."""
        return self._batch_size

    def start(self, now: float) -> int:
        """How many may be claimed now, which are then paid for; 0: not yet."""
        with self._lock:
            if now < self._free_at:
                return 0
            if self._rate:
                self._free_at = now + self.batch_size / self._rate
            return self.batch_size

    def give_back(self, unused: int) -> None:
        """So many of a started batch were not sent."""
        if self._rate and unused:
            with self._lock:
                self._free_at -= unused / self._rate

    def back_off(self, now: float) -> None:
        """The provider asks for patience: wait longer each time, with some chance in it."""
        with self._lock:
            pause = min(FIRST_PAUSE * 2.0**self._failures, LONGEST_PAUSE)
            self._failures = min(self._failures + 1, 16)
            self._free_at = max(self._free_at, now + pause * (0.5 + self._jitter() / 2))

    def succeeded(self) -> None:
        """The provider answers again, and in time."""
        with self._lock:
            self._failures = 0
            self._batch_size = min(self._batch_size + GROWTH, self._most)

    def too_slow(self) -> None:
        """A batch was made, but its lease was over before it could go: the next one is smaller.

        Without it a machine too slow for its lease would claim and return for ever.
        """
        with self._lock:
            self._batch_size = max(1, self._batch_size // 2)


class Paces:
    """The pace of every stream."""

    def __init__(self, rate: int, jitter: Callable[[], float]) -> None:
        self._rate = rate
        self._jitter = jitter
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Pace] = {}

    def of(self, organization_id: str, stream: str) -> Pace:
        """The same one each time."""
        with self._lock:
            place = organization_id, stream
            if place not in self._known:
                self._known[place] = Pace(self._rate, self._jitter)
            return self._known[place]

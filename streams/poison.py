"""Pure decisions about failures: what is worth another try, how long to wait, when it is enough."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import psycopg

from streams.ports import TransientError

Failure = Literal["transient", "poison"]

TRANSIENT: tuple[type[BaseException], ...] = (
    TransientError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    ConnectionError,
    TimeoutError,
)
# Postgres calls these operational, but the same batch would meet the same limit for ever.
_LIMIT_EXCEEDED = "54"


def classify(error: BaseException, transient: tuple[type[BaseException], ...]) -> Failure:
    """Whether trying the same batch again later can help."""
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_LIMIT_EXCEEDED):
        return "poison"
    return "transient" if isinstance(error, transient) else "poison"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before another try, in seconds."""

    first: float = 0.1
    ceiling: float = 10.0

    def delay(self, attempt: int, jitter: float) -> float:
        """The wait after the nth failure (from 1); `jitter` in [0, 1) takes off up to half of it,
        so that processes that failed together do not come back together."""
        full = min(self.first * 2.0 ** min(attempt - 1, 32), self.ceiling)
        return full * (1 - jitter / 2)


@dataclass(frozen=True, slots=True)
class PoisonLimits:
    """How many records may be put aside before something larger must be wrong."""

    most: int = 50
    within: float = 60.0
    """Seconds in which `most` are allowed."""
    share: float = 0.2
    """Largest share among the last `window` records, judged once there are as many."""
    window: int = 1000


@dataclass(slots=True)
class PoisonBudget:
    """What is left of the limits. Times are seconds of one monotonic clock, passed in."""

    limits: PoisonLimits = field(default_factory=PoisonLimits)
    _times: deque[float] = field(default_factory=deque)
    _runs: deque[tuple[int, bool]] = field(default_factory=deque)
    _seen: int = 0
    _poison: int = 0

    def good(self, records: int) -> None:
        """So many records in a row were handled."""
        self._remember(records, poison=False)

    def exceeded_by_one_more(self, now: float) -> str | None:
        """Count one more poison record; the limit that breaks, in words, or None."""
        self._times.append(now)
        while self._times and now - self._times[0] > self.limits.within:
            self._times.popleft()
        self._remember(1, poison=True)
        if len(self._times) > self.limits.most:
            return f"more than {self.limits.most} within {self.limits.within:g} s"
        if self._seen >= self.limits.window and self._poison > self.limits.share * self._seen:
            return f"more than {self.limits.share:.0%} of the last {self.limits.window}"
        return None

    def _remember(self, records: int, *, poison: bool) -> None:
        self._runs.append((records, poison))
        self._seen += records
        self._poison += records if poison else 0
        while self._seen > self.limits.window:
            oldest, was_poison = self._runs.popleft()
            drop = min(oldest, self._seen - self.limits.window)
            if drop < oldest:
                self._runs.appendleft((oldest - drop, was_poison))
            self._seen -= drop
            self._poison -= drop if was_poison else 0

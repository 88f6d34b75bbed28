"""How many connections there are, how fast one may speak, and for how long one may stay."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from api.auth import Principal

LOOK_AGAIN: Final = 30.0
"""Seconds after which a connection's key is looked at again also without news: it may expire."""


class Changes:
    """News that some key changed, for everybody in one event loop who waits for it."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake them."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until there is news, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), seconds)


@dataclass(frozen=True, slots=True)
class Admission:
    """The token with which a connection began, and when to look at it again.

    `again`: whose it is now, None once it is expired or revoked; blocks.
    """

    again: Callable[[], Principal | None]
    changes: Changes


class Seats:
    """Connections of this process. Used from one event loop."""

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """A seat for the length of the block; False when there is none."""
        if self._free <= 0:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1


class Pace:
    """At most `most` messages in any second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def allows(self, now: float) -> bool:
        """Whether one more may come at `now` (monotonic seconds); if so, it counts."""
        while self._times and self._times[0] <= now - 1:
            self._times.popleft()
        if len(self._times) >= self._most:
            return False
        self._times.append(now)
        return True

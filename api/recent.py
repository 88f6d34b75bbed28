"""Answers that may be a moment old: however many ask, they are found once a second at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")
KEPT: Final = 1.0


class Recent(Generic[T]):
    """What `find` found within the last second; whoever asks meanwhile waits for the same search.

    For one event loop. `find` blocks, and runs in a thread: never in more than one at a time.
    """

    def __init__(self, find: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._search: asyncio.Task[T] | None = None
        self._found_at = 0.0

    async def __call__(self) -> T:
        """The answer. Raises what `find` raises."""
        search = self._search
        if search is None or (search.done() and self._clock() - self._found_at >= KEPT):
            self._search = search = asyncio.create_task(self._run())
        return await asyncio.shield(search)  # whoever leaves takes nobody's answer along

    async def _run(self) -> T:
        try:
            return await run_in_threadpool(self._find)
        finally:
            self._found_at = self._clock()

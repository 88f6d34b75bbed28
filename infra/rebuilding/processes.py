"""Jobs in processes of their own, each on a core of its own, ended with who gave them."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

from projections.rebuild.errors import BusyError

J = TypeVar("J")
_LOOK_EVERY: Final = 0.3


def at_once(jobs: Sequence[J], work: Callable[[J], None], look: Callable[[], None]) -> None:
    """Run every job in a process of its own, looking now and then; raises what one raises."""
    context = multiprocessing.get_context("spawn")
    me = (os.getpid(),)
    with ProcessPoolExecutor(len(jobs), context, _end_with, me) as pool:
        running = {pool.submit(work, job) for job in jobs}
        left = running
        while left:
            _, left = wait(left, _LOOK_EVERY)
            look()
    try:
        for each in running:
            each.result()
    except BrokenProcessPool:
        raise BusyError(
            "a worker of the rebuild was killed: the same command goes on from there"
        ) from None


def settled() -> Callable[[], bool]:
    """For a worker process: no collecting of garbage there is none of, and whether to go on."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    parent = os.getppid()
    return lambda: os.getppid() == parent


def _end_with(parent: int) -> None:
    """A pool's worker waits for jobs for ever, also when who gives them was killed: so it is ended
    from within."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

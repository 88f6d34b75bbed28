"""Loops: steps repeated in threads, woken by a bell, known to be alive by their beat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import psycopg
import structlog

_log = structlog.get_logger()
AFTER_TROUBLE = 1.0


class Bell:
    """Wakes everybody who waits; ringing when nobody waits is remembered by nobody."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def ring(self) -> None:
        """There may be something to do."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Until it rings, at most so long; not at all when `stop` was set before it rang."""
        with self._condition:
            if not stop.is_set():
                self._condition.wait(seconds)


class Loop:
    """One step, again and again, in a thread of its own, until told to stop.

    `prepare` runs first, however long it takes, without the loop being taken for stuck. `step`
    returns whether it did anything; if not, the loop waits for its bell, at most `poll` seconds.
    While the store is away it is tried again every second. Any other error ends the loop, which
    `failure` then tells. A step that takes less than `longest` seconds is never taken for stuck.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        bell: Bell,
        stop: threading.Event,
        poll: float,
        prepare: Callable[[], None] | None = None,
        longest: float = 0.0,
    ) -> None:
        self.name = name
        self.failure: BaseException | None = None
        self.last_beat = time.monotonic()
        self._step = step
        self._bell = bell
        self._stop = stop
        self._poll = poll
        self._prepare = prepare
        self._longest = longest
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the step that is under way."""
        self._thread.join(seconds)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def moves(self, patience: float) -> bool:
        """Whether it began a step in the last `patience` seconds, or still prepares."""
        quiet = time.monotonic() - self.last_beat
        return self._prepare is not None or quiet < max(patience, self._longest)

    def _run(self) -> None:
        try:
            if self._prepare is not None:
                self._prepare()
                self.last_beat, self._prepare = time.monotonic(), None
            while not self._stop.is_set():
                self.last_beat = time.monotonic()
                if not self._tried():
                    self._bell.wait(self._poll, self._stop)
        except BaseException as error:  # noqa: BLE001 - the process is told, and ends
            self.failure = error

    def _tried(self) -> bool:
        try:
            return self._step()
        except psycopg.OperationalError as error:
            _log.warning("the store is away", loop=self.name, reason=str(error).splitlines()[:1])
            self._stop.wait(AFTER_TROUBLE)
            return True


class LoopEndedError(Exception):
    """A loop ended by itself; the process must not go on as if nothing had happened."""


def watch(
    loops: Iterable[Loop], stop: threading.Event, beat: Callable[[], None], patience: float
) -> None:
    """Run until `stop`; call `beat` every second while every loop is alive and moves.

    A loop that has not finished a step for `patience` seconds is taken for stuck: no beat then.
    Raises LoopEndedError.
    """
    loops = list(loops)
    while not stop.wait(1.0):
        for loop in loops:
            if loop.failure is not None:
                raise LoopEndedError(f"{loop.name}: {loop.failure!r}") from loop.failure
        if all(loop.moves(patience) for loop in loops):
            beat()

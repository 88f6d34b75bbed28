"""The only place that decides what happens when a handler fails. Nothing escapes it unhandled.

Faust acknowledges in a `finally`, so an exception that leaves an agent loses the event. Here a
transient failure is tried again in place for as long as it takes; a poison record is found by
halving the batch, written to its dead-letter topic and only then passed over; too much poison, or
nowhere to put it, stops the process with a reason.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from projections.batch import Batch
from streams import metrics
from streams.poison import TRANSIENT, Backoff, PoisonBudget, PoisonLimits, classify
from streams.ports import (
    DeadLetters,
    DeadLettersUnavailableError,
    Handler,
    RefusedRecordError,
    StopProcess,
)
from streams.telling import reason_of, trace_of

_log = structlog.get_logger("streams.guard")


class Abandoned(Exception):  # noqa: N818
    """The batch is no longer this process's to handle; nothing of what is left was stored."""


@dataclass(frozen=True)
class GuardSettings:
    """How patient a guard is."""

    backoff: Backoff = field(default_factory=Backoff)
    limits: PoisonLimits = field(default_factory=PoisonLimits)
    transient: tuple[type[BaseException], ...] = TRANSIENT
    """Errors that are not the batch's fault."""


class Guard:
    """Hands batches to one handler and decides about its failures. Synchronous, one thread."""

    def __init__(
        self,
        handler: Handler,
        dead_letters: DeadLetters,
        settings: GuardSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """`pause` waits so many seconds; by default it is cut short by `stop`."""
        self.handler = handler
        self._dead_letters = dead_letters
        self._settings = settings or GuardSettings()
        self._budget = PoisonBudget(self._settings.limits)
        self._clock = clock
        self._jitter = jitter
        self._stopping = threading.Event()
        self._pause = pause or self._stopping.wait
        self.retrying = False
        """True while a batch waits for another try: slow, but not stalled."""

    def stop(self) -> None:
        """Give up waiting: a batch that is being retried is abandoned. From any thread."""
        self._stopping.set()

    def process(self, batch: Batch, is_ours: Callable[[], bool] = lambda: True) -> None:
        """Handle a batch for certain: when this returns every record is handled or put aside.

        Blocks. Raises StopProcess with a reason; Abandoned when stopped, or when `is_ours` says
        no, while waiting for another try.
        """
        started = self._clock()
        self._process(batch, is_ours)
        metrics.HANDLED.labels(self.handler.name, batch.topic).inc(len(batch))
        metrics.SECONDS.labels(self.handler.name).observe(self._clock() - started)

    def _process(self, batch: Batch, is_ours: Callable[[], bool]) -> None:
        if not batch:
            return
        error = self._patiently(self.handler.handle, batch, is_ours)
        if error is None:
            self._budget.good(len(batch))
        elif len(batch) > 1:
            for half in batch.split():
                self._process(half, is_ours)
        else:
            self._put_aside(batch, error, is_ours)

    def _put_aside(self, batch: Batch, error: Exception, is_ours: Callable[[], bool]) -> None:
        record, name = batch.records[0], self.handler.name
        where = f"{record.topic}:{record.partition}:{record.offset}"
        reason = reason_of(error)
        broken = None
        if not isinstance(error, RefusedRecordError):
            broken = self._budget.exceeded_by_one_more(self._clock())
        if broken is not None:
            raise StopProcess(f"{name}: too many bad records ({broken}); at {where}: {reason}")
        try:
            self._dead_letters.put(record, consumer=name, reason=reason, trace=trace_of(error))
        except DeadLettersUnavailableError as unavailable:
            raise StopProcess(
                f"{name}: cannot put aside {where} ({reason}): {reason_of(unavailable)}"
            ) from error
        failed = self._patiently(self.handler.skip, batch, is_ours)
        if failed is not None:
            raise StopProcess(f"{name}: cannot pass over {where}: {reason_of(failed)}")
        metrics.DEAD_LETTERS.labels(name, record.topic).inc()
        _log.error("record put aside", consumer=name, origin=where, reason=reason)

    def _patiently(
        self, call: Callable[[Batch], None], batch: Batch, is_ours: Callable[[], bool]
    ) -> Exception | None:
        """Call until it succeeds or proves to be the batch's fault; returns that error."""
        attempt = 0
        try:
            while True:
                try:
                    call(batch)
                except StopProcess:
                    raise
                except Exception as error:
                    if classify(error, self._settings.transient) == "poison":
                        return error
                    attempt += 1
                    self._wait(batch, error, attempt)
                    if self._stopping.is_set() or not is_ours():
                        raise Abandoned(f"{batch.topic}:{batch.partition}") from error
                else:
                    return None
        finally:
            self._set_retrying(now=False)

    def _wait(self, batch: Batch, error: Exception, attempt: int) -> None:
        delay = self._settings.backoff.delay(attempt, self._jitter())
        _log.warning(
            "batch will be tried again",
            consumer=self.handler.name,
            origin=f"{batch.topic}:{batch.partition}:{batch.records[0].offset}",
            records=len(batch),
            attempt=attempt,
            seconds=round(delay, 2),
            reason=reason_of(error),
        )
        metrics.RETRIES.labels(self.handler.name).inc()
        self._set_retrying(now=True)
        self._pause(delay)

    def _set_retrying(self, *, now: bool) -> None:
        self.retrying = now
        metrics.RETRYING.labels(self.handler.name).set(int(now))

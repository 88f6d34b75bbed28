"""The reply worker: each turn gets one answer, in the order of turns, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import psycopg
import structlog
from prometheus_client import Counter, Histogram

from domain.shared.faults import FaultPoint, Reach, unarmed
from streams.recognition.ports import Recognition, Recognizer, RecognizerUnavailableError, Utterance

MOST_ATTEMPTS = 5
_REPLIES = Counter("nudge_replies", "Turns answered, by how.", ["outcome"])
_SECONDS = Histogram(
    "nudge_reply_seconds", "From the receipt of a turn to its reply.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30),
)  # fmt: skip
_log = structlog.get_logger()


class ReplyTask(NamedTuple):
    """A turn without an answer, for the length of a lease this caller's alone."""

    turn_id: str
    organization_id: str
    conversation_id: str
    number: int
    attempts: int


class ReplyDesk(Protocol):
    """Tasks and answers. Each method is one transaction, blocks, and is safe to call again.

    Raises psycopg.OperationalError or the like when the store is away.
    """

    def take(self) -> ReplyTask | None:
        """The first open turn of some conversation, under a lease; None when there is none."""
        ...

    def utterance(self, task: ReplyTask) -> Utterance | None:
        """What was said, with what is needed to understand it; None once it is answered."""
        ...

    def answer(self, task: ReplyTask, recognition: Recognition, recognised_ms: int) -> float:
        """Decide, do and record, all at once; seconds since the turn was received."""
        ...

    def apologise(self, task: ReplyTask) -> None:
        """Record that this turn could not be answered, so that the conversation goes on."""
        ...

    def postpone(self, task: ReplyTask, seconds: float) -> None:
        """Give the task back for later."""
        ...


@dataclass(frozen=True, slots=True)
class ReplyWorker:
    """Takes turns one by one; several may run beside each other.

    A model call may be repeated, because nobody sees it; the first recorded answer wins.
    """

    desk: ReplyDesk
    recognizer: Recognizer
    clock: Callable[[], float] = time.monotonic
    reach: Reach = unarmed

    def step(self) -> bool:
        """Answer one turn; whether there was one."""
        task = self.desk.take()
        if task is None:
            return False
        try:
            self._reply(task)
        except psycopg.OperationalError:
            raise
        except RecognizerUnavailableError:
            self._apologise(task, "unavailable")
        except Exception:  # noqa: BLE001 - no turn may hold up its conversation
            _log.exception("a turn could not be answered", turn_id=task.turn_id)
            if task.attempts >= MOST_ATTEMPTS:
                self._apologise(task, "failed")
            else:
                self.desk.postpone(task, 0.1 * 2**task.attempts)
        return True

    def _reply(self, task: ReplyTask) -> None:
        utterance = self.desk.utterance(task)
        if utterance is None:
            return
        began = self.clock()
        recognition = self.recognizer.recognize(utterance)
        recognised_ms = round(1000 * (self.clock() - began))
        self.reach(FaultPoint.REPLY_BEFORE_RECORDING)
        seconds = self.desk.answer(task, recognition, recognised_ms)
        self.reach(FaultPoint.REPLY_AFTER_RECORDING)
        _SECONDS.observe(seconds)
        _REPLIES.labels("answered").inc()

    def _apologise(self, task: ReplyTask, outcome: str) -> None:
        self.desk.apologise(task)
        _REPLIES.labels(outcome).inc()

"""Every turn gets an answer: from the recogniser, or an apology, but never silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import pytest

from streams.effects.replies import MOST_ATTEMPTS, ReplyTask, ReplyWorker
from streams.recognition.ports import Recognition, RecognizerUnavailableError, Utterance

UTTERANCE = Utterance("hello", datetime(2026, 1, 5, tzinfo=UTC), "UTC")


@dataclass
class Desk:
    """One task, and what became of it."""

    attempts: int = 1
    answered_before: bool = False
    broken: bool = False
    happened: list[str] = field(default_factory=list)
    taken: bool = False

    def take(self) -> ReplyTask | None:
        if self.taken:
            return None
        self.taken = True
        return ReplyTask("t", "o", "c", 1, self.attempts)

    def utterance(self, task: ReplyTask) -> Utterance | None:  # noqa: ARG002
        return None if self.answered_before else UTTERANCE

    def answer(self, task: ReplyTask, recognition: Recognition, recognised_ms: int) -> float:  # noqa: ARG002
        if self.broken:
            raise ValueError("poison")
        self.happened.append(f"answered {recognition.intent}")
        return 0.1

    def apologise(self, task: ReplyTask) -> None:  # noqa: ARG002
        self.happened.append("apologised")

    def postpone(self, task: ReplyTask, seconds: float) -> None:  # noqa: ARG002
        assert seconds > 0
        self.happened.append("postponed")


@dataclass
class Hears:
    """A recogniser that does what it is told."""

    hear: Callable[[], Recognition]

    def recognize(self, utterance: Utterance) -> Recognition:
        assert utterance == UTTERANCE
        return self.hear()


def small_talk() -> Recognition:
    return Recognition("small_talk", None, 0.9)


def unavailable() -> Recognition:
    raise RecognizerUnavailableError("timeout")


def confused() -> Recognition:
    raise ValueError("bug")


def store_away() -> Recognition:
    raise psycopg.OperationalError("gone")


@pytest.mark.parametrize(
    ("desk", "hear", "happened"),
    [
        (Desk(), small_talk, ["answered small_talk"]),
        (Desk(answered_before=True), small_talk, []),
        (Desk(), unavailable, ["apologised"]),
        (Desk(), confused, ["postponed"]),
        (Desk(broken=True), small_talk, ["postponed"]),
        (Desk(attempts=MOST_ATTEMPTS, broken=True), small_talk, ["apologised"]),
    ],
)
def test_a_turn_is_answered_given_back_or_apologised_for(
    desk: Desk, hear: Callable[[], Recognition], happened: list[str]
) -> None:
    worker = ReplyWorker(desk, Hears(hear))
    assert worker.step()
    assert desk.happened == happened
    assert not worker.step()


def test_a_store_that_is_away_is_no_ones_fault_and_nothing_is_recorded() -> None:
    desk = Desk()
    with pytest.raises(psycopg.OperationalError):
        ReplyWorker(desk, Hears(store_away)).step()
    assert desk.happened == []

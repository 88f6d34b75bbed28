"""Tens of thousands of histories in virtual time: nobody twice, nobody missing, whatever dies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final, Literal

import pytest

from domain.delivery.decisions import BatchOutcome, Call, Lost, Policy, Returned, judge
from streams.effects.sending import sender
from tests.simulation.play import Outcome, Rules, play
from tests.simulation.quiet import quiet

HISTORIES: Final = 10_000
"""For each policy. About 190 turns each, every one of them the chance to die or to freeze."""
MOST: Final = 2_000
"""Histories after which a fault that was planted must have been found."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet():
        yield


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_nobody_is_mailed_twice_and_nobody_is_forgotten(policy: Policy) -> None:
    rules = Rules(policy=policy)
    killed = frozen = ambiguous = held = 0
    for seed in range(HISTORIES):
        outcome = play(seed, rules)
        assert outcome.good, f"python -m tests.simulation {seed} --policy {policy}: {outcome}"
        killed += outcome.killed
        frozen += outcome.frozen
        ambiguous += outcome.ambiguous
        held += outcome.held
    assert killed > HISTORIES
    assert frozen > HISTORIES
    assert ambiguous > HISTORIES
    assert (held > 0) == (policy == "hold")


def test_a_history_is_the_same_each_time_it_is_played() -> None:
    assert play(7, tell=True) == play(7, tell=True)
    assert play(7, tell=True).trace != play(8, tell=True).trace


# --- what must be found: each of these is a world in which the product cannot keep its word -------


def first(rules: Rules, wrong: Literal["twice", "missing", "untrue"]) -> Outcome:
    """The first history in which this goes wrong."""
    for seed in count():
        assert seed < MOST, f"nothing was {wrong} in {MOST} histories"
        outcome = play(seed, rules)
        if getattr(outcome, wrong):
            assert getattr(play(seed, rules), wrong) == getattr(outcome, wrong)
            return outcome
    raise AssertionError


def test_a_search_that_lags_longer_than_two_look_ups_lets_somebody_be_mailed_twice() -> None:
    assert first(Rules(lag=3_000.0), "twice").twice


def test_holding_removes_the_risk_of_a_search_that_lags() -> None:
    outcomes = [play(seed, Rules(lag=3_000.0, policy="hold")) for seed in range(500)]
    assert not any(outcome.twice for outcome in outcomes)
    assert sum(outcome.held for outcome in outcomes) > 0


def test_a_process_frozen_for_hours_that_nobody_kills_lets_somebody_be_mailed_twice() -> None:
    assert first(Rules(freeze=3_000.0), "twice").twice


def test_without_the_resolver_somebody_is_missing() -> None:
    assert first(Rules(resolver=False, webhooks=False), "missing").missing


def test_a_lost_answer_taken_for_not_sent_lets_somebody_be_mailed_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hasty(call: Call, size: int) -> BatchOutcome:
        if isinstance(call, Lost):
            return BatchOutcome((Returned(call.reason),) * size)
        return judge(call, size)

    monkeypatch.setattr(sender, "judge", hasty)

    assert first(Rules(), "twice").twice


def test_a_claim_that_does_not_ask_who_may_be_mailed_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.simulation.books.decide", lambda _consent, _suppression: None)

    assert "after the unsubscribe" in first(Rules(), "untrue").untrue[0]

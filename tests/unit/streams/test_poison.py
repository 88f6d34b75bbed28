"""What is transient, how long to wait, and when poison is too much."""

from __future__ import annotations

import psycopg
import pytest

from streams.poison import TRANSIENT, Backoff, PoisonBudget, PoisonLimits, classify


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection refused"),
        psycopg.errors.DeadlockDetected(),
        psycopg.errors.SerializationFailure(),
        psycopg.errors.DiskFull(),
        psycopg.errors.AdminShutdown(),
        psycopg.InterfaceError("the connection is closed"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_trouble_that_passes_is_transient(error: Exception) -> None:
    assert classify(error, TRANSIENT) == "transient"


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("x"),
        psycopg.errors.NotNullViolation(),
        psycopg.errors.InvalidTextRepresentation(),
        psycopg.errors.ProgramLimitExceeded(),
    ],
)
def test_what_the_same_batch_would_meet_again_is_poison(error: Exception) -> None:
    assert classify(error, TRANSIENT) == "poison"


def test_pauses_double_up_to_a_ceiling_and_jitter_takes_off_at_most_half() -> None:
    backoff = Backoff(first=0.1, ceiling=10.0)

    assert [backoff.delay(n, 0.0) for n in (1, 2, 3)] == pytest.approx([0.1, 0.2, 0.4])
    assert backoff.delay(1_000_000, 0.0) == 10.0
    assert 0.05 < backoff.delay(1, 0.999) < 0.0501


def test_fifty_bad_records_in_a_minute_are_allowed_and_one_more_is_not() -> None:
    budget = PoisonBudget()
    assert all(budget.exceeded_by_one_more(now=second) is None for second in range(50))
    assert budget.exceeded_by_one_more(now=50) == "more than 50 within 60 s"


def test_bad_records_are_forgotten_after_a_minute() -> None:
    budget = PoisonBudget()
    for number in range(500):
        budget.good(10)
        assert budget.exceeded_by_one_more(now=number * 1.3) is None


def test_a_fifth_of_the_last_thousand_is_allowed_and_more_is_not() -> None:
    budget = PoisonBudget(PoisonLimits(most=10_000))
    budget.good(800)
    assert all(budget.exceeded_by_one_more(now=0) is None for _ in range(200))
    assert budget.exceeded_by_one_more(now=0) == "more than 20% of the last 1000"


def test_good_records_push_bad_ones_out_of_the_window() -> None:
    budget = PoisonBudget(PoisonLimits(most=10_000))
    for _ in range(10):
        budget.good(801)
        assert all(budget.exceeded_by_one_more(now=0) is None for _ in range(199))


def test_a_large_batch_fills_the_window_without_being_kept() -> None:
    budget = PoisonBudget(PoisonLimits(most=10_000, window=10))
    budget.good(1_000_000)
    assert budget.exceeded_by_one_more(now=0) is None
    assert budget.exceeded_by_one_more(now=0) is None
    assert budget.exceeded_by_one_more(now=0) == "more than 20% of the last 10"

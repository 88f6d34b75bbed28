"""The rate of a stream, counted with a clock of the test's own."""

from __future__ import annotations

import pytest

from streams.effects.sending.pace import Pace, Paces


def sent_within(pace: Pace, seconds: int, *, steps: int = 1000) -> int:
    """How many deliveries an eager sender claims from the start to the end of some seconds."""
    return sum(pace.start(step / steps) for step in range(seconds * steps))


@pytest.mark.parametrize("rate", [1, 11, 499, 500, 1000, 7000])
def test_no_more_than_one_batch_ahead_of_the_rate(rate: int) -> None:
    pace = Pace(rate, lambda: 0.0)

    sent = sent_within(pace, 10)

    assert 10 * rate * 0.9 <= sent <= 10 * rate + pace.batch_size


@pytest.mark.parametrize(("rate", "size"), [(0, 500), (11, 11), (500, 500), (1000, 500)])
def test_a_batch_is_at_most_a_second_of_the_rate_and_five_hundred(rate: int, size: int) -> None:
    assert Pace(rate, lambda: 0.0).start(1.0) == size


def test_without_a_rate_a_batch_may_start_at_any_time() -> None:
    pace = Pace(0, lambda: 0.0)
    assert [pace.start(1.0) for _ in range(3)] == [500, 500, 500]


def test_what_was_not_sent_is_not_paid_for() -> None:
    pace = Pace(10, lambda: 0.0)
    assert pace.start(0.0) == 10
    pace.give_back(9)
    assert pace.start(0.05) == 0
    assert pace.start(0.11) == 10


def test_after_each_no_the_pause_is_longer_and_after_a_yes_short_again() -> None:
    pace = Pace(0, lambda: 1.0)
    pauses = []
    now = 0.0
    for _ in range(9):
        pace.back_off(now)
        began = now
        while not pace.start(now):
            now += 0.25
        pauses.append(now - began)
    pace.succeeded()
    pace.back_off(now)

    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert not pace.start(now + 0.49)
    assert pace.start(now + 0.5)


def test_chance_shortens_a_pause_by_half_at_most() -> None:
    pace = Pace(0, lambda: 0.0)
    pace.back_off(0.0)
    assert not pace.start(0.24)
    assert pace.start(0.25)


def test_each_stream_of_each_organization_has_a_pace_of_its_own() -> None:
    paces = Paces(5, lambda: 0.0)
    assert paces.of("a", "broadcast").start(0.0) == 5
    assert paces.of("a", "broadcast").start(0.0) == 0
    assert paces.of("a", "other").start(0.0) == 5
    assert paces.of("b", "broadcast").start(0.0) == 5


def test_batches_too_large_for_their_lease_become_smaller_and_slowly_large_again() -> None:
    pace = Pace(0, lambda: 0.0)

    sizes = []
    for _ in range(3):
        pace.too_slow()
        sizes.append(pace.start(1.0))
    for _ in range(20):
        pace.succeeded()

    assert sizes == [250, 125, 62]
    assert pace.start(1.0) == 500


def test_a_batch_has_at_least_one_and_never_more_than_the_rate() -> None:
    pace = Pace(40, lambda: 0.0)
    for _ in range(9):
        pace.too_slow()
    assert pace.start(0.0) == 1
    for _ in range(9):
        pace.succeeded()
    assert pace.start(1.0) == 40

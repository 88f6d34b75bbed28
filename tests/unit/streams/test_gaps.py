"""Which days are looked through, and what a message's events lack."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.codec import to_micros
from streams.steps.gaps import (
    KEPT,
    LOOKS,
    Count,
    counted,
    day_begins,
    first_day,
    has_ended,
    missing_events,
    next_look,
    provider_day,
    to_look_through,
)

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


def test_a_day_is_the_provider_s() -> None:
    late = datetime(2026, 1, 6, 4, 59, tzinfo=UTC)

    assert provider_day(to_micros(late)) == MONDAY
    assert provider_day(to_micros(late + timedelta(minutes=1))) == TUESDAY
    assert day_begins(TUESDAY) == late + timedelta(minutes=1)


def test_only_what_the_provider_keeps_and_what_we_could_hear_is_compared() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert first_day(now, datetime(2000, 1, 1, tzinfo=UTC)) == (now - KEPT).date()
    assert first_day(now, now - timedelta(days=2)) == date(2026, 2, 27)


def test_days_that_differ_are_looked_through_and_equal_ones_are_not() -> None:
    theirs = {MONDAY: 5, TUESDAY: 7}
    ours = {("Open", MONDAY): 5, ("Open", TUESDAY): 6, ("Click", MONDAY): 9}

    counts = counted("Open", theirs, ours, MONDAY)

    assert to_look_through(counts, []) == [Count("Open", TUESDAY, 7, 6)]


def test_a_day_that_only_we_know_of_differs_too() -> None:
    assert counted("Open", {}, {("Open", MONDAY): 1}, MONDAY) == [Count("Open", MONDAY, 0, 1)]
    assert counted("Open", {MONDAY: 1}, {}, TUESDAY) == []


def test_a_day_that_never_agrees_is_looked_through_again_only_when_a_number_changes() -> None:
    looked = [Count("Open", MONDAY, 7, 6)]

    assert to_look_through([Count("Open", MONDAY, 7, 6)], looked) == []
    assert to_look_through([Count("Open", MONDAY, 8, 6)], looked)
    assert to_look_through([Count("Open", MONDAY, 7, 5)], looked)


def details(*types: str) -> dict[str, object]:
    return {"MessageEvents": [{"Type": each} for each in types]}


@pytest.mark.parametrize(
    ("types", "recorded", "missing"),
    [
        (["Delivered"], {}, {"Delivered"}),
        (["Delivered"], {"Delivered": 1}, set()),
        (["Transient", "Bounced"], {"Bounced": 1}, {"Bounced"}),
        (["Transient", "Delivered"], {"Bounced": 1, "Delivered": 1}, set()),
        (["Bounced"], {"Complained": 1}, set()),
        (["Opened", "Opened", "LinkClicked"], {"Opened": 1}, {"Opened", "LinkClicked"}),
        (["SubscriptionChanged", "NeverHeardOf"], {}, {"SubscriptionChanged"}),
        ([], {"Opened": 3}, set()),
    ],
)
def test_what_a_message_s_events_tell_more_than_ours(
    types: list[str], recorded: dict[str, int], missing: set[str]
) -> None:
    assert missing_events(details(*types), recorded) == missing


def test_a_message_has_ended_when_it_was_delivered_or_bounced_for_good() -> None:
    assert has_ended(details("Transient", "Delivered"))
    assert has_ended(details("Bounced"))
    assert not has_ended(details("Transient"))
    assert not has_ended({"MessageEvents": None})


def test_silent_messages_are_looked_at_less_and_less_often_and_then_left_alone() -> None:
    pauses = [next_look(looks, timedelta(minutes=30)) for looks in range(LOOKS + 1)]

    assert pauses[:3] == [timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2)]
    assert pauses[-1] is None
    assert all(pause <= timedelta(days=7) for pause in pauses if pause)

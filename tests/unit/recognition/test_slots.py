"""The details of a sentence: exactly what it states, in the contract's shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.recognition.lexicon import lexicon
from streams.recognition.ports import Utterance
from streams.recognition.slots import extract
from streams.recognition.wording import read

NEW_YORK = "America/New_York"
NOW = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo(NEW_YORK))


def slots(
    text: str, intent: str = "create_campaign", known: tuple[str, ...] = ()
) -> dict[str, Any]:
    utterance = Utterance(text, NOW, NEW_YORK, known_campaigns=known)
    return extract(intent, read(text, lexicon()), utterance)


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("haven't bought in 60 days", 60),
        ("have not ordered for two months", 60),
        ("didn't visit us for half a year", 180),
        ("inactive for 6 weeks", 42),
        ("who last bought 3 months ago", 90),
        ("haven't bought in a year", 365),
        ("havent orderd for 90d", 90),
    ],
)
def test_how_long_people_were_away(words: str, days: int) -> None:
    assert slots(f"email customers who {words}")["audience"]["inactive_days"] == days


@pytest.mark.parametrize(
    ("words", "offer"),
    [
        ("20% off", {"kind": "percent", "value": 20, "text": "20% off"}),
        (
            "12.5 percent off cakes",
            {"kind": "percent", "value": 12.5, "text": "12.5 percent off cakes"},
        ),
        ("$10 off", {"kind": "amount", "value": 10, "currency": "USD", "text": "$10 off"}),
        ("5 euros off", {"kind": "amount", "value": 5, "currency": "EUR", "text": "5 euros off"}),
        ("free shipping", {"kind": "free_shipping", "text": "free shipping"}),
        ("a free croissant", {"kind": "gift", "text": "free croissant"}),
        ("two for one", {"kind": "other", "text": "two for one"}),
        ("a free week", {"kind": "other", "text": "free week"}),
    ],
)
def test_what_is_offered(words: str, offer: dict[str, Any]) -> None:
    assert slots(f"send our regulars a mail with {words}")["offer"] == offer


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("tomorrow at 9", "2026-03-03T09:00:00-05:00"),
        ("friday at 3pm", "2026-03-06T15:00:00-05:00"),
        ("tonight at 8", "2026-03-02T20:00:00-05:00"),
        ("on Monday at 8:30", "2026-03-09T08:30:00-04:00"),
        ("on 12 May at noon", "2026-05-12T12:00:00-04:00"),
        ("on 2026-12-24 at 07:15", "2026-12-24T07:15:00-05:00"),
        ("the day after tomorrow at 10", "2026-03-04T10:00:00-05:00"),
        ("in two hours", "2026-03-02T12:00:00-05:00"),
        ("next tuesday at 9am", "2026-03-10T09:00:00-04:00"),
        ("tomorrow at half past nine", "2026-03-03T09:30:00-05:00"),
        ("at 5pm", "2026-03-02T17:00:00-05:00"),
    ],
)
def test_a_moment_has_the_offset_of_the_zone_on_that_day(words: str, at: str) -> None:
    assert slots(f"send it {words}", "schedule_campaign") == {"schedule": {"at": at}}


@pytest.mark.parametrize("words", ["tomorrow", "tomorrow morning", "next week", "Friday evening"])
def test_no_hour_is_assumed(words: str) -> None:
    assert slots(f"send it {words}", "schedule_campaign") == {"schedule": {"relative": words}}


def test_the_date_of_an_event_is_no_time_of_sending() -> None:
    assert "schedule" not in slots("tell everyone we are opening a shop on 4 April at 10am")
    assert slots("tell everyone we are opening a shop, send it tomorrow at 9")["schedule"]


def test_impossible_times_are_not_made_up() -> None:
    for words in ("on 31 February at 9", "tomorrow at 25:00", "on 2020-01-01 at 10:00"):
        assert "at" not in slots(f"send it {words}", "schedule_campaign").get("schedule", {})


def test_a_rhythm_is_kept_in_words() -> None:
    found = slots("Send a newsletter every Monday at 9 to our vip customers")
    assert found["schedule"] == {"recurrence": "every Monday at 9"}
    assert found["audience"] == {"segment": "vip customers"}


def test_a_sequence_with_a_trigger() -> None:
    found = slots("When someone joins the studio, send three emails, two days apart, friendly tone")
    assert found == {
        "trigger": "joins the studio",
        "delay": "2 days",
        "tone": "friendly",
        "count_of_emails": 3,
    }


def test_code_end_and_occasion() -> None:
    found = slots("20% off for Mother's Day, code MUM20, until sunday")
    assert found["discount_code"] == "MUM20"
    assert found["expires"] == "until sunday"
    assert found["occasion"] == "Mother's Day"


def test_words_in_quotation_marks_are_only_the_subject() -> None:
    found = slots('change the subject to "20% off until Friday at 9"', "modify_campaign")
    assert found == {"subject": "20% off until Friday at 9"}


@pytest.mark.parametrize(
    ("words", "tone"),
    [
        ("make it friendlier", "friendly"),
        ("more formal please", "formal"),
        ("make it less pushy", None),
    ],
)
def test_a_tone_is_one_adjective_in_its_base_form(words: str, tone: str | None) -> None:
    assert slots(words, "modify_campaign").get("tone") == tone


def test_an_address_or_its_reference_is_an_email() -> None:
    reference = "[[5c3e2a10-7c1b-4b57-9a0f-0d6f1be2c001]]"
    assert slots(f"send a test to {reference}", "send_test")["email"] == reference
    assert slots("send a test to Anna@Example.com.", "send_test")["email"] == "Anna@Example.com"


def test_a_campaign_is_found_by_the_names_that_exist() -> None:
    known = ("Jan promo", "Spring sale")
    found = slots("was the jan promo any good last week", "query_performance", known)
    assert found == {"campaign": "jan promo", "period": "last week"}


def test_the_whole_list_is_no_segment_and_tags_are_called_tags() -> None:
    assert "audience" not in slots("tell everyone we are open")
    assert slots("20% off for people tagged wholesale")["audience"] == {"tags": ["wholesale"]}


def test_nothing_is_read_where_nothing_is_acted_on() -> None:
    text = "email everyone who unsubscribed 20% off tomorrow at 9"
    assert slots(text, "refuse") == slots(text, "help") == slots(text, "small_talk") == {}

"""Where details begin and end, and what only looks like one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.recognition.guards.scheduling import schedules
from streams.recognition.lexicon import lexicon
from streams.recognition.ports import Utterance
from streams.recognition.slots import extract
from streams.recognition.slots.boundaries import segment, trigger
from streams.recognition.slots.tagged import Tagged
from streams.recognition.slots.word_classes import word_classes
from streams.recognition.tagger import Span
from streams.recognition.wording import read

NOW = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Europe/Dublin"))


def slots(text: str, intent: str = "create_campaign", **spans: str) -> dict[str, Any]:
    """What is read when a tagger found `spans`, by kind."""
    found = [
        Span(kind, text.index(words), text.index(words) + len(words), 1.0)
        for kind, words in spans.items()
    ]
    utterance = Utterance(text, NOW, "Europe/Dublin")
    return extract(intent, read(text, lexicon()), utterance, Tagged(text, found))


@pytest.mark.parametrize(
    ("text", "seen", "words"),
    [
        ("a note to buyers of Lamp 3, please", "buyers of", "buyers of Lamp 3"),
        ("tell lots of rowers about it", "lots of rowers", "rowers"),
        ("invite the crew club to a talk", "invite the crew club", "crew club"),
        ("rowers still havent paid", "rowers still havent paid", "rowers"),
        ("rowers who left ought to hear from us", "rowers who left", "rowers who left"),
        ("show how many rowers currently", "rowers currently", "rowers"),
    ],
)
def test_a_group_ends_where_something_is_said_of_it(text: str, seen: str, words: str) -> None:
    start = text.index(seen)
    assert segment(text, Span("s", start, start + len(seen), 1.0)) == words


def test_a_group_of_few_words_is_read_by_the_grammar_when_the_tagger_sees_none() -> None:
    assert slots("a letter for our gardeners")["audience"] == {"segment": "gardeners"}
    assert "audience" not in slots("gardeners wrote a letter")


def test_a_trigger_ends_where_somebody_is_to_act() -> None:
    text = "when a guest fills in the form i want to say hello"
    start = text.index("fills")
    assert trigger(text, Span("t", start, start + 9, 1.0)) == "fills in the form"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("skip the 10% off, give them a free scone", "free scone"),
        ("the joining fee waived", "joining fee waived"),
        ("complimentary delivery", "complimentary delivery"),
        ("buy five get one free", "buy five get one free"),
        ("two sessions at no charge", "two sessions at no charge"),
    ],
)
def test_an_offer_that_is_taken_back_is_none(words: str, text: str) -> None:
    assert slots(f"tell everyone: {words}")["offer"]["text"] == text


def test_what_is_given_away_is_not_what_is_sold() -> None:
    assert "product" not in slots("tell everyone: with a free jar of jam")


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("extend the interval to two weeks", "2 weeks"),
        ("three nudges: 1 hour, 24 hours, 72 hours", "1 hour"),
        ("a free gift with every five-day course", None),
    ],
)
def test_a_wait_is_read_from_lists_and_intervals(text: str, delay: str | None) -> None:
    assert slots(text).get("delay") == delay


@pytest.mark.parametrize(
    ("text", "relative"),
    [
        ("send it sunday nite", "sunday nite"),
        ("resume the tuesday deal", None),
        ("resume it tuesday please", "tuesday"),
    ],
)
def test_a_day_before_a_noun_is_a_part_of_a_name(text: str, relative: str | None) -> None:
    assert slots(text, "resume_campaign").get("schedule", {}).get("relative") == relative


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("a bulletin, formal in tone", "formal"),
        ("keep the copy snappy", "snappy"),
        ("some tips for them! heartfelt, with a story", "heartfelt"),
        ("keep them warm with stories", None),
    ],
)
def test_how_it_should_sound(text: str, tone: str | None) -> None:
    assert slots(text).get("tone") == tone


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ('put "Mind the gap" as the subject', "Mind the gap"),
        ("remind them, subject mind the gap", "mind the gap"),
        ("the subject needs to be mind the gap", "mind the gap"),
    ],
)
def test_the_words_of_a_subject_line(text: str, subject: str) -> None:
    assert slots(text, "modify_campaign")["subject"] == subject


def test_a_code_in_small_letters_is_no_usual_word() -> None:
    assert slots("10% off with code missedyou, ok")["discount_code"] == "MISSEDYOU"
    assert "discount_code" not in slots("10% off with the code please")


def test_two_capitals_name_a_person_only_where_people_are_dealt_with() -> None:
    assert slots("mail Ruth Vell off the list", "manage_contacts")["contact"] == "Ruth Vell"
    assert "contact" not in slots("who is on Harbour Days", "query_audience")
    assert slots("is Reverend Vell on it", "query_audience")["contact"] == "Vell"


def test_what_a_word_is_known_for() -> None:
    assert "name" in word_classes("ruth")
    assert "tone" in word_classes("friendlier")
    assert "group" in word_classes("gardeners")
    assert "sold" in word_classes("cakes")
    assert word_classes("xqzt") == ("unknown",)
    assert word_classes(",") == ()


@pytest.mark.parametrize(
    ("text", "intent", "product"),
    [
        ("Smoked trout's landed. Tell everyone.", "create_campaign", "Smoked trout"),
        ("nudge who put a lamp in the basket and left", "create_campaign", "lamp"),
        ("two for one on scones for everyone", "create_campaign", "scones"),
        ("swap the tea for cocoa, please", "modify_campaign", "cocoa"),
        ("swap the photo for something else", "modify_campaign", None),
    ],
)
def test_what_has_come_in_lies_in_a_basket_or_is_swapped(
    text: str, intent: str, product: str | None
) -> None:
    assert slots(text, intent).get("product") == product


def test_a_rating_is_no_day_to_send_on() -> None:
    assert not schedules("0/10 would not send", shown=True, named=False)
    assert schedules("send it on 8/10 please", shown=True, named=False)

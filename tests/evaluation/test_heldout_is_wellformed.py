"""The held-out sentences keep to the contract's closed lists and the README's conventions."""

import json
import re
from collections import Counter
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

SETS = ("first_heldout.jsonl", "heldout4.jsonl", "heldout5.jsonl")

INTENTS = frozenset(
    {
        "create_campaign",
        "modify_campaign",
        "approve_campaign",
        "reject_campaign",
        "schedule_campaign",
        "pause_campaign",
        "resume_campaign",
        "cancel_campaign",
        "query_performance",
        "query_audience",
        "send_test",
        "manage_contacts",
        "privacy_request",
        "set_business_context",
        "help",
        "small_talk",
        "clarify",
        "refuse",
    }
)
CAMPAIGN_TYPES = frozenset(
    {
        "welcome",
        "nurture",
        "convert",
        "abandon",
        "win_back",
        "announce",
        "newsletter",
        "promotional",
    }
)
PERSONAS = {
    "first_heldout.jsonl": frozenset(
        {"rosa", "dev", "whitfield", "tom", "aiko", "mischief", "samir"}
    ),
}
"""Who wrote a set, where that is known; the personas of another only have to have names."""
METRICS = frozenset(
    {"opens", "clicks", "bounces", "unsubscribes", "deliveries", "sales", "complaints"}
)
OFFER_KINDS = frozenset({"percent", "amount", "free_shipping", "gift", "other"})
WORD_SLOTS = frozenset(
    {"product", "occasion", "expires", "trigger", "subject", "campaign", "contact", "period"}
)
WITHOUT_SLOTS = frozenset({"refuse", "help", "small_talk"})
LINE_KEYS = {"id", "persona", "text", "context", "intent", "campaign_type", "slots"}
CONTEXT_KEYS = {"now", "timezone", "last_shown_campaign"}

Line = dict[str, Any]


def read_lines(name: str) -> list[Line]:
    """No line when there is no such set."""
    path = Path(__file__).with_name(name)
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [{**json.loads(line), "set": name} for line in file if line.strip()]


LINES_OF = {name: lines for name in SETS if (lines := read_lines(name))}
LINES = [line for lines in LINES_OF.values() for line in lines]
IDS = [f"{line['set']}:{line['id']}" for line in LINES]


def is_words(value: object) -> bool:
    return isinstance(value, str) and value != "" and value == value.strip()


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def matches(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def said(words: str, text: str) -> bool:
    return words.lower() in text.lower()


def audience_problems(value: object, text: str) -> list[str]:
    if (
        not isinstance(value, dict)
        or not value
        or not set(value) <= {"segment", "inactive_days", "tags"}
    ):
        return ["audience has the wrong shape"]
    problems: list[str] = []
    if "segment" in value and not (is_words(value["segment"]) and said(value["segment"], text)):
        problems.append("audience.segment is not words of the sentence")
    if "inactive_days" in value and not is_count(value["inactive_days"]):
        problems.append("audience.inactive_days is not a positive integer")
    if "tags" in value:
        tags = value["tags"]
        if not (
            isinstance(tags, list)
            and tags
            and all(is_words(tag) and said(tag, text) for tag in tags)
        ):
            problems.append("audience.tags is not a list of words of the sentence")
        if re.search(r"\btag(s|ged|ging)?\b", text, re.IGNORECASE) is None:
            problems.append("audience.tags without the word tag")
    return problems


def offer_problems(value: object, text: str) -> list[str]:
    if not isinstance(value, dict) or not set(value) <= {"kind", "value", "currency", "text"}:
        return ["offer has the wrong shape"]
    problems: list[str] = []
    if value.get("kind") not in OFFER_KINDS:
        problems.append("offer.kind is unknown")
    if not (is_words(value.get("text")) and said(value["text"], text)):
        problems.append("offer.text is not words of the sentence")
    if ("value" in value) != (value.get("kind") in {"percent", "amount"}):
        problems.append("offer.value belongs to percent and amount")
    if "value" in value and not is_number(value["value"]):
        problems.append("offer.value is not a positive number")
    if "currency" in value and not (
        value.get("kind") == "amount" and matches(r"[A-Z]{3}", value["currency"])
    ):
        problems.append("offer.currency is not a code of an amount")
    return problems


def schedule_problems(value: object, text: str, context: dict[str, Any]) -> list[str]:
    if (
        not isinstance(value, dict)
        or not value
        or not set(value) <= {"at", "relative", "recurrence"}
    ):
        return ["schedule has the wrong shape"]
    problems: list[str] = []
    if "at" in value and "relative" in value:
        problems.append("schedule.at and schedule.relative together")
    problems.extend(
        f"schedule.{name} is not words of the sentence"
        for name in ("relative", "recurrence")
        if name in value and not (is_words(value[name]) and said(value[name], text))
    )
    if "at" in value:
        at = datetime.fromisoformat(value["at"])
        zone = ZoneInfo(context["timezone"])
        if at.tzinfo is None or at.utcoffset() != at.astimezone(zone).utcoffset():
            problems.append("schedule.at lacks the offset of the zone")
        elif at <= datetime.fromisoformat(context["now"]):
            problems.append("schedule.at is not in the future")
    return problems


def slot_problems(name: str, value: object, text: str, context: dict[str, Any]) -> list[str]:
    if name == "audience":
        return audience_problems(value, text)
    if name == "offer":
        return offer_problems(value, text)
    if name == "schedule":
        return schedule_problems(value, text, context)
    if name in WORD_SLOTS:
        fine = isinstance(value, str) and is_words(value) and said(value, text)
    elif name == "count_of_emails":
        fine = is_count(value)
    elif name == "delay":
        fine = matches(r"\d+ (minute|hour|day|week|month)s?", value)
    elif name == "tone":
        fine = matches(r"[a-z-]+", value)
    elif name == "language":
        fine = matches(r"[a-z]+", value)
    elif name == "discount_code":
        fine = isinstance(value, str) and matches(r"[A-Z0-9_-]+", value) and said(value, text)
    elif name == "email":
        fine = (
            isinstance(value, str)
            and matches(r"[^@\s]+@[^@\s]+\.[a-z]+", value)
            and said(value, text)
        )
    elif name == "metric":
        fine = value in METRICS
    else:
        return [f"{name} is not a slot of the contract"]
    return [] if fine else [f"{name} has the wrong shape"]


@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_a_line_keeps_to_the_closed_lists(line: Line) -> None:
    assert set(line) == LINE_KEYS | {"set"}
    assert matches(r"[a-z]\d{3}", line["id"])
    assert is_words(line["persona"])
    assert line["persona"] in PERSONAS.get(line["set"], {line["persona"]})
    assert is_words(line["text"])
    assert 1 <= len(line["text"].split()) <= 60
    assert line["intent"] in INTENTS
    if line["intent"] == "create_campaign":
        assert line["campaign_type"] in CAMPAIGN_TYPES
    else:
        assert line["campaign_type"] is None


@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_a_context_is_complete(line: Line) -> None:
    context = line["context"]
    assert CONTEXT_KEYS <= set(context) <= CONTEXT_KEYS | {"known_campaigns"}
    assert isinstance(context["last_shown_campaign"], bool)
    now = datetime.fromisoformat(context["now"])
    assert now.utcoffset() == now.astimezone(ZoneInfo(context["timezone"])).utcoffset()
    known = context.get("known_campaigns", ["a name"])
    assert isinstance(known, list)
    assert known
    assert all(is_words(name) for name in known)


@pytest.mark.parametrize("line", LINES, ids=IDS)
def test_slots_have_the_shapes_of_the_contract(line: Line) -> None:
    slots = line["slots"]
    assert isinstance(slots, dict)
    problems = [
        problem
        for name, value in slots.items()
        for problem in slot_problems(name, value, line["text"], line["context"])
    ]
    assert problems == []
    if line["intent"] in WITHOUT_SLOTS:
        assert slots == {}


def test_ids_and_sentences_are_unique_in_each_set() -> None:
    assert len(set(IDS)) == len(LINES)
    for lines in LINES_OF.values():
        assert len({line["text"].casefold() for line in lines}) == len(lines)


def test_the_sets_share_no_more_than_a_bare_word_or_two() -> None:
    texts = [{line["text"].casefold() for line in lines} for lines in LINES_OF.values()]
    shared = {text for one, other in combinations(texts, 2) for text in one & other}
    assert all(len(text.split()) <= 2 for text in shared)


@pytest.mark.parametrize("name", LINES_OF)
def test_there_are_enough_sentences(name: str) -> None:
    lines = LINES_OF[name]
    intents = Counter(line["intent"] for line in lines)
    types = Counter(line["campaign_type"] for line in lines if line["campaign_type"] is not None)
    assert len(lines) >= 250
    assert {intent for intent in INTENTS if intents[intent] < 8} == set()
    assert {name for name in CAMPAIGN_TYPES if types[name] < 5} == set()


def test_an_approval_has_something_to_approve() -> None:
    unclear = [
        line["id"]
        for line in LINES
        if line["intent"] == "approve_campaign"
        and not line["context"]["last_shown_campaign"]
        and "campaign" not in line["slots"]
    ]
    assert unclear == []

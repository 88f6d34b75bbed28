"""What the tagger found beside what the grammars read: for each detail, whichever is believed."""

from __future__ import annotations

import re
from typing import Any, Final

from streams.recognition.ports import Utterance
from streams.recognition.slots import boundaries, offers, people, products, tones
from streams.recognition.slots.campaigns import known_campaign
from streams.recognition.slots.tagged import Tagged, trimmed
from streams.recognition.wording import Wording

_ABOUT_CONTENT: Final = frozenset(
    "audience offer product occasion schedule expires trigger delay tone subject count_of_emails "
    "discount_code language".split()
)
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "create_campaign": _ABOUT_CONTENT,
    "modify_campaign": _ABOUT_CONTENT | {"campaign"},
    "approve_campaign": frozenset({"campaign"}),
    "reject_campaign": frozenset({"campaign"}),
    "schedule_campaign": frozenset({"campaign", "schedule"}),
    "pause_campaign": frozenset({"campaign", "expires"}),
    "resume_campaign": frozenset({"campaign", "schedule"}),
    "cancel_campaign": frozenset({"campaign"}),
    "query_performance": frozenset({"campaign", "metric", "period"}),
    "query_audience": frozenset({"audience", "campaign", "contact", "email"}),
    "send_test": frozenset({"email", "campaign", "contact"}),
    "manage_contacts": frozenset({"audience", "contact", "email"}),
    "privacy_request": frozenset({"contact", "email"}),
    "set_business_context": frozenset({"tone", "language", "email", "product"}),
    "clarify": frozenset({"schedule", "campaign"}),
}
"""Which details an intent can act on; the rest of a sentence is not read as details."""

_SURE: Final = 0.6
"""How sure the tagger must be where the grammars found nothing."""
_ABOUT_PEOPLE: Final = frozenset({"manage_contacts", "privacy_request"})
_GRAMMAR_FIRST: Final = {
    "subject": "j",
    "expires": "e",
    "tone": "a",
    "occasion": "o",
    "campaign": "c",
}


def merge(
    found: dict[str, Any],
    intent: str,
    wording: Wording,
    utterance: Utterance,
    tagged: Tagged,
) -> None:
    """Change `found`, which the grammars read, by what the tagger found."""
    allowed = ALLOWED[intent]
    if "trigger" in allowed:
        _trigger(found, intent, tagged)
    if "contact" in allowed:
        _contact(found, intent, wording, tagged)
    if "product" in allowed:
        _product(found, intent, wording, tagged)
    for name, kind in _GRAMMAR_FIRST.items():
        guess = tagged.words(kind, _SURE)
        if name in allowed and name not in found and guess and _may_be(name, guess):
            found[name] = guess
    if "campaign" in allowed and (known := known_campaign(wording, utterance.known_campaigns)):
        found["campaign"] = known
    if "campaign" in found:
        found["campaign"] = boundaries.campaign(found["campaign"])
    _put(found, "tone", tones.base_form(found.pop("tone", "")))
    if "occasion" in allowed:
        _occasion(found, intent, tagged)
    if "audience" in allowed:
        _segment(found, utterance, tagged)
    if "offer" in allowed:
        _offer(found, tagged)
    if "schedule" in allowed:
        _relative(found, tagged)


def _trigger(found: dict[str, Any], intent: str, tagged: Tagged) -> None:
    """What the tagger sees; of something new, else what the grammar does."""
    read = found.pop("trigger", None)
    seen = boundaries.trigger(tagged.text, tagged.best("t"))
    words = trimmed(seen) if seen else None
    _put(found, "trigger", words or (read if intent == "create_campaign" else None))


def _contact(found: dict[str, Any], intent: str, wording: Wording, tagged: Tagged) -> None:
    """Who has a title, else whom the tagger sees; two capitals may also name a campaign."""
    read = found.pop("contact", "")
    seen = tagged.best("n")
    named = people.titled(wording) or people.related(wording)
    if named is None and (seen or intent in _ABOUT_PEOPLE):
        named = boundaries.contact(tagged.text, seen)
    if named is None and intent in _ABOUT_PEOPLE and people.is_person(read, wording.original):
        named = read
    _put(found, "contact", named)


def _product(found: dict[str, Any], intent: str, wording: Wording, tagged: Tagged) -> None:
    """What the business sells by its own words, what the offer is on, else what the tagger says."""
    found.pop("product", None)
    given = found.get("offer", {})
    offered = None if given.get("kind") == "gift" else products.offered(given.get("text", ""))
    sold = products.sold(wording) if intent == "set_business_context" else None
    if intent == "modify_campaign":
        _put(found, "product", products.swapped(wording))
        return
    named = tagged.words("p") or products.arrived(wording) if intent == "create_campaign" else None
    _put(found, "product", sold or offered or named)


_ONLY_A_DATE = re.compile(
    r"\b(?:since|until|till?|before|by|says?)(?: the| last)? $", re.IGNORECASE
)
_EDGES = re.compile(r"^the |['\u2019]s$", re.IGNORECASE)


def _occasion(found: dict[str, Any], intent: str, tagged: Tagged) -> None:
    """As much of it as the tagger sees; a day that only ends something is none."""
    named = found.pop("occasion", None)
    seen = tagged.words("o")
    if seen and (named is None or named.casefold() in seen.casefold()):
        named = seen
    elif named and (intent == "modify_campaign" or _dates(tagged.text, named)):
        return
    _put(found, "occasion", _EDGES.sub("", named or ""))


def _dates(text: str, day: str) -> bool:
    before = text[: max(text.casefold().find(day.casefold()), 0)]
    return _ONLY_A_DATE.search(before) is not None


def _may_be(name: str, words: str) -> bool:
    if name == "tone":
        return re.fullmatch(r"[A-Za-z][a-z-]{3,}", words) is not None
    return name != "expires" or " " in words


def _put(found: dict[str, Any], name: str, words: str | None) -> None:
    if words:
        found[name] = words


_TOLD = re.compile(
    r"\b(?:for|to|tell|offer|invite|about|of|are|inform)(?: (?:our|my|the|all))* $", re.IGNORECASE
)
_LONGEST_TOLD: Final = 2
"""Words of a group that the grammar may name alone: with a longer one it is often wrong."""


def _segment(found: dict[str, Any], utterance: Utterance, tagged: Tagged) -> None:
    audience = found.pop("audience", {})
    named = audience.get("segment", "")
    if named.casefold() not in {name.casefold() for name in utterance.segments}:
        audience.pop("segment", None)
        span = tagged.best("s")
        seen = boundaries.segment(tagged.text, span)
        if span is None and seen is None and _told(tagged.text, named):
            seen = named
        _put(audience, "segment", seen)
    if found.get("occasion", "\0").casefold() in audience.get("segment", "").casefold():
        del found["occasion"]
    if audience:
        found["audience"] = audience


def _told(text: str, group: str) -> bool:
    """Whether something is said to a group of few words, or asked of it."""
    before = text[: max(text.find(group), 0)]
    return 0 < len(group.split()) <= _LONGEST_TOLD and _TOLD.search(before) is not None


_EXPIRY = re.compile(
    r"\s(?:until|till?|through|valid|ends?|expires?|mails?)\b.*$", re.IGNORECASE | re.DOTALL
)
"""What follows the words of an offer and is none of them."""


def _offer(found: dict[str, Any], tagged: Tagged) -> None:
    """The longer words of the two; a number before those of the grammar is another one."""
    words = _EXPIRY.sub("", tagged.words("k") or "")
    offer = found.get("offer")
    if offer is None:
        if words:
            found["offer"] = offers.in_words(words)
        return
    offer["text"] = _EXPIRY.sub("", offer["text"])
    at = words.casefold().find(offer["text"].casefold())
    if at == 0 or (at > 0 and "value" not in offer):
        offer["text"] = words


def _relative(found: dict[str, Any], tagged: Tagged) -> None:
    schedule = found.get("schedule", {})
    words = tagged.words("r")
    if not {"at", "relative"} & set(schedule) and words:
        found["schedule"] = {
            **schedule,
            "relative": re.sub(r"^(?:on|at|until|til) ", "", words, flags=re.IGNORECASE),
        }

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
        found.pop("trigger", None)
        what = boundaries.trigger(tagged.text, tagged.best("t"))
        _put(found, "trigger", trimmed(what) if what else None)
    if "contact" in allowed and not (titled := people.titled(wording)):
        found.pop("contact", None)
        _put(found, "contact", boundaries.contact(tagged.text, tagged.best("n")))
    elif "contact" in allowed and titled:
        found["contact"] = titled
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


def _product(found: dict[str, Any], intent: str, wording: Wording, tagged: Tagged) -> None:
    """What the business sells by its own words, what the offer is on, else what the tagger says."""
    found.pop("product", None)
    offered = products.offered(found.get("offer", {}).get("text", ""))
    sold = products.sold(wording) if intent == "set_business_context" else None
    named = tagged.words("p") if intent == "create_campaign" else None
    if intent == "create_campaign" and named is None and not tagged.abandoned:
        named = products.placed(wording)
    _put(found, "product", sold or offered or named)
    if intent == "modify_campaign":
        found.pop("product", None)


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


def _segment(found: dict[str, Any], utterance: Utterance, tagged: Tagged) -> None:
    audience = found.pop("audience", {})
    named = audience.get("segment", "").casefold()
    if named not in {name.casefold() for name in utterance.segments}:
        audience.pop("segment", None)
        _put(audience, "segment", boundaries.segment(tagged.text, tagged.best("s")))
    if audience:
        found["audience"] = audience


def _offer(found: dict[str, Any], tagged: Tagged) -> None:
    words = tagged.words("k")
    if words is None:
        return
    if "offer" in found:
        if (
            found["offer"]["text"].casefold() in words.casefold()
            or words.casefold() in found["offer"]["text"].casefold()
        ):
            found["offer"]["text"] = max(words, found["offer"]["text"], key=len)
    else:
        found["offer"] = offers.in_words(words)


def _relative(found: dict[str, Any], tagged: Tagged) -> None:
    schedule = found.get("schedule", {})
    words = tagged.words("r")
    if not {"at", "relative"} & set(schedule) and words:
        found["schedule"] = {
            **schedule,
            "relative": re.sub(r"^(?:on|at|until|til) ", "", words, flags=re.IGNORECASE),
        }

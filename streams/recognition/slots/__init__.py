"""The details of a sentence, by grammar: exactly what it states, nothing inferred."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from streams.recognition.ports import Utterance
from streams.recognition.slots import campaigns, offers, people, products, subjects, times, tones
from streams.recognition.slots.merging import ALLOWED, merge
from streams.recognition.slots.tagged import Tagged
from streams.recognition.vocabulary import SLOTS, WITHOUT_SLOTS
from streams.recognition.wording import Wording

_QUOTE = re.compile(r"\"[^\"]*\"")
_QUOTABLE: Final = frozenset({"subject", "audience", "campaign", "contact", "discount_code"})
_SENDING = re.compile(
    r"\b(?:send|sent|sends|schedule|scheduled|goes? out|going out|out|mail|email|mailed"
    r"|deliver|delivered|announce|inform|informed|tell|notify|edition|launch|leave|sending"
    r"|set for|ship|first one|start(?:ing)? it)\b"
)
_SINCE = re.compile(r"\b(?:since|from|not|instead of|rather than)(?: last| the)? $")
_NAMING = re.compile(
    r"(?:'s)? (?!(?:please|pls|morning|afternoon|evening|night|lunchtime|at|around|about|by|then"
    r"|and|or|but"
    r"|for|so|with|when|if|as|because|to|is|we|i|it|this|that|the|now|instead|not|rather|works|suits"
    r"|would|should|after|before|in|on|only|exactly|sharp|thanks|thx|ok|okay|since|you|from|my|our)\b)[a-z]"
)
"""A day before a noun is a part of a name: `the tuesday deal`."""
_PACE = re.compile(
    r"\b(?:one|1|each|an email|a mail) every (?:\d+|two|three|four|five|other) days$"
)
_HAPPENING = re.compile(
    r"\b(?:until|till|til|by|before|since|ends?|ending|expires?|valid|last|opening|open|opens"
    r"|workshop|class|event|party|webinar|market|retreat|closed|close|closing|moving"
    r"|launching|launches|launch of|seminar|tasting|race|marathon|happening|starts?|starting"
    r"|through|from|for|this weekend's|our|the|off|only|about|free)\b[^,.;]*$"
)


def extract(
    intent: str, wording: Wording, utterance: Utterance, tagged: Tagged | None = None
) -> dict[str, Any]:
    """Slots in the contract's shapes, only those the intent can act on.

    `tagged` are the open-ended details a trained tagger found; without it grammars read them.
    """
    if intent in WITHOUT_SLOTS:
        return {}
    allowed = ALLOWED[intent]
    found: dict[str, Any] = {}
    unquoted = _unquoted(wording)
    for name in SLOTS:
        seen = wording if name in _QUOTABLE else unquoted
        if name in allowed and (value := _READERS[name](intent, seen, utterance)):
            found[name] = value
    if tagged is not None:
        merge(found, intent, wording, utterance, tagged)
        return found
    return _without_overlaps(found)


def _unquoted(wording: Wording) -> Wording:
    """Words in quotation marks are words to be used, not words about the campaign."""
    return replace(
        wording,
        plain=_QUOTE.sub(lambda quote: '"' + "_" * (len(quote[0]) - 2) + '"', wording.plain),
    )


def _without_overlaps(found: dict[str, Any]) -> dict[str, Any]:
    """What is said of people, an occasion or a gift is not what is sold."""
    product = found.get("product", "\0").lower()
    given = found.get("offer", {})
    elsewhere = [
        found.get("audience", {}).get("segment", ""),
        found.get("trigger", ""),
        found.get("occasion", ""),
        given.get("text", "") if given.get("kind") == "gift" else "",
    ]
    if any(product in words.lower() for words in elsewhere):
        del found["product"]
    return found


def _schedule(intent: str, wording: Wording, utterance: Utterance) -> dict[str, str]:
    found: dict[str, str] = {}
    creating = intent in ("create_campaign", "modify_campaign")
    rhythm = times.recurrence(wording)
    if rhythm is not None and creating and _PACE.search(wording.plain[: rhythm.end]):
        rhythm = None
    ends = times.expires(wording) if intent != "schedule_campaign" else None
    for kind, moment in times.schedules(wording, utterance.now, utterance.timezone):
        if _SINCE.search(wording.plain[: moment.start]):
            continue
        if _inside(moment, rhythm) or _inside(moment, ends):
            continue
        if kind == "relative" and not creating and _NAMING.match(wording.plain[moment.end :]):
            continue
        if creating and not _is_sending_time(wording.plain, moment):
            continue
        found[kind] = moment.value
        break
    if rhythm is not None and re.search(r"\b(?:we|i|they) \w+ $", wording.plain[: rhythm.start]):
        rhythm = None
    if rhythm is not None and not (creating and rhythm.value.lower().startswith("on ")):
        found["recurrence"] = rhythm.value
    return found


def _inside(inner: times.Found, outer: times.Found | None) -> bool:
    return outer is not None and inner.start < outer.end and outer.start < inner.end


def _is_sending_time(plain: str, moment: times.Found) -> bool:
    """The date of what is written about is not the time of sending."""
    before = re.split(r"[,.;:!?]", plain[: moment.start])[-1]
    before = re.sub(r"\b(?:for|on|at|to)\s*$", "", before)
    if not before.strip() or re.fullmatch(r"\s*(?:please|on|then|and|at|so|ok)?\s*", before):
        return True
    return bool(_SENDING.search(before)) and not _HAPPENING.search(
        before[max((m.end() for m in _SENDING.finditer(before)), default=0) :]
    )


def _tone(intent: str, wording: Wording, _: Utterance) -> str | None:
    return tones.tone(wording.plain, loose=intent in ("modify_campaign", "set_business_context"))


def _expires(_intent: str, wording: Wording, _: Utterance) -> str | None:
    found = times.expires(wording)
    return found.value if found else None


def _period(_intent: str, wording: Wording, utterance: Utterance) -> str | None:
    """A month in a campaign's name is not the period asked about."""
    name = campaigns.campaign(wording, utterance.known_campaigns)
    if name is not None:
        kept = wording.plain.replace(name.lower(), "_" * len(name))
        wording = replace(wording, plain=kept)
    found = times.period(wording)
    return found.value if found else None


def _segmented(intent: str, wording: Wording, utterance: Utterance) -> dict[str, Any]:
    found = people.audience(wording, utterance.segments)
    if intent == "manage_contacts":
        found.pop("inactive_days", None)
    return found


_Reader = Callable[[str, Wording, Utterance], Any]
_READERS: Final[dict[str, _Reader]] = {
    "audience": _segmented,
    "offer": lambda _i, w, _u: offers.offer(w),
    "product": lambda _i, w, _u: products.product(w),
    "occasion": lambda _i, w, _u: subjects.occasion(w),
    "schedule": _schedule,
    "expires": _expires,
    "trigger": lambda _i, w, _u: subjects.trigger(w),
    "delay": lambda _i, w, _u: times.delay(w.plain),
    "tone": _tone,
    "subject": lambda _i, w, _u: subjects.subject_line(w),
    "count_of_emails": lambda _i, w, _u: offers.count_of_emails(w.plain),
    "discount_code": lambda _i, w, _u: offers.discount_code(w),
    "language": lambda _i, w, _u: subjects.language(w.plain),
    "campaign": lambda _i, w, u: campaigns.campaign(w, u.known_campaigns),
    "contact": lambda _i, w, _u: people.contact(w),
    "email": lambda _i, w, _u: people.address(w.original),
    "metric": lambda _i, w, _u: campaigns.metric(w.plain),
    "period": _period,
}

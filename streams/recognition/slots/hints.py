"""Where the grammars see open-ended details: a first guess for the tagger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from streams.recognition.slots import campaigns, offers, people, products, subjects, times
from streams.recognition.slots.word_classes import word_classes
from streams.recognition.tagger import Hints
from streams.recognition.wording import Wording


def _offer(wording: Wording) -> str | None:
    found = offers.offer(wording)
    return str(found["text"]) if found else None


def _expires(wording: Wording) -> str | None:
    found = times.expires(wording)
    return found.value if found else None


_GRAMMARS: Final[Mapping[str, Callable[[Wording], str | None]]] = {
    "s": lambda wording: people.segment(wording, ()),
    "p": products.product,
    "t": subjects.trigger,
    "o": subjects.occasion,
    "n": people.contact,
    "c": lambda wording: campaigns.campaign(wording, ()),
    "j": subjects.subject_line,
    "k": _offer,
    "e": _expires,
}


def hints(wording: Wording, known: tuple[str, ...] = ()) -> Hints:
    """What each grammar finds, and what each word is known for; `known`: existing campaigns."""
    found: dict[str, tuple[int, int]] = {}
    if span := campaigns.known_span(wording.plain, known):
        found["K"] = wording.place(*span)
    text = wording.original.casefold()
    for kind, grammar in _GRAMMARS.items():
        words = grammar(wording)
        if words and (start := text.find(words.casefold())) >= 0:
            found[kind] = (start, start + len(words))
    return Hints(found, tuple(word_classes(token.plain) for token in wording.tokens))

"""What a word is known for by itself: a name, something that is sold, a kind of people, a tone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from streams.recognition.lexicon import common_words, first_names, usual_words
from streams.recognition.slots.people import GENERIC, GROUPS
from streams.recognition.slots.products import SOLD
from streams.recognition.slots.tones import is_tone

_GROUP: Final = re.compile(GROUPS)
_ANYBODY: Final = re.compile(GENERIC)


def word_classes(word: str) -> tuple[str, ...]:
    """Names of the lists the plain word is on; `unknown` when it is on none of usual words."""
    return tuple(_found(word))


def _found(word: str) -> Iterator[str]:
    if not _sold().isdisjoint((word, word.removesuffix("s"), word + "s")):
        yield "sold"
    if _GROUP.fullmatch(word) or _GROUP.fullmatch(word + "s"):
        yield "group"
    if _ANYBODY.fullmatch(word):
        yield "anybody"
    if is_tone(word):
        yield "tone"
    if word.removesuffix("'s") in first_names():
        yield "name"
    if word.isalpha() and word not in common_words() and word not in usual_words():
        yield "unknown"


@cache
def _sold() -> frozenset[str]:
    return frozenset(SOLD)

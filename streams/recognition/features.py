"""What a model sees of a sentence: word and letter sequences, numbers and times by their kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_ABSTRACTIONS = (
    (re.compile(r"\[\[[^\]\s]+\]\]|\S+@\S+\.\w+"), " xaddress "),
    (re.compile(r"\b\d+(?:[.,]\d+)?\s?(?:%|percent\b|pct\b|per cent\b)"), " xpercent "),
    (
        re.compile(
            r"[$\u20ac\u00a3]\s?\d+(?:[.,]\d+)?"
            r"|\b\d+\s?(?:euros?|dollars?|pounds?|quid|bucks|eur|usd|gbp)\b"
        ),
        " xmoney ",
    ),
    (
        re.compile(
            r"\b\d{1,2}(?:[:.]\d{2})?\s?(?:am|pm)\b|\b\d{1,2}:\d{2}\b|\b(?:noon|midnight)\b"
        ),
        " xclock ",
    ),
    (re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"), " xweekday "),
    (
        re.compile(
            r"\b(?:january|february|april|june|july|august|september|october|november|december)\b"
        ),
        " xmonth ",
    ),
    (re.compile(r"\b\d+(?:st|nd|rd|th)?\b"), " xnumber "),
)
_WORD = re.compile(r"[\w']+|[?!\"]")
_LONGEST_WORDS = 3
_LETTERS = (2, 3, 4)

Grams = dict[str, int]


def model_words(plain: str, shown: bool) -> list[str]:
    """The words a model sees, then the context: was a campaign shown, how long is it."""
    for pattern, kind in _ABSTRACTIONS:
        plain = pattern.sub(kind, plain)
    words = _WORD.findall(plain)
    length = "xtiny" if len(words) <= 2 else "xshort" if len(words) <= 5 else "xlong"
    return [*words, "xshown" if shown else "xunshown", length]


def word_grams(words: list[str]) -> Grams:
    """Runs of one to three words, with how often each occurs."""
    return Counter(
        " ".join(words[at : at + size])
        for size in range(1, _LONGEST_WORDS + 1)
        for at in range(len(words) - size + 1)
    )


def letter_grams(words: Iterable[str]) -> Grams:
    """Runs of two to four letters inside each word, its edges marked by a space."""
    counts: Grams = Counter()
    for word in words:
        edged = f" {word} "
        for size in _LETTERS:
            for at in range(len(edged) - size + 1):
                counts[edged[at : at + size]] += 1
    return counts

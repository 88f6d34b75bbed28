"""A sentence as typed beside the same sentence in plain words, with the way back between them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u00a0\u2026", "''\"\"-- .")
_TOKEN = re.compile(
    r"\[\[[^\[\]\s]{1,64}\]\]"
    r"|[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|(?<!\w)w/o?(?!\w/)"
    r"|\d+(?:[.,:]\d+)*"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
    r"|\S"
)
SHORT_FORMS: Final = {
    "tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow", "tomoz": "tomorrow",
    "2moro": "tomorrow", "tom": "tom", "2day": "today", "tdy": "today", "2nite": "tonight",
    "tonite": "tonight",
    "pls": "please", "plz": "please", "plse": "please", "u": "you", "ur": "your", "r": "are",
    "thx": "thanks", "tnx": "thanks", "ty": "thanks", "wk": "week", "wks": "weeks",
    "mth": "month", "mths": "months", "mnths": "months", "hr": "hour", "hrs": "hours",
    "min": "minutes", "mins": "minutes", "b4": "before", "cust": "customer",
    "custs": "customers", "ppl": "people", "peeps": "people", "msg": "message",
    "msgs": "messages", "abt": "about", "nxt": "next", "wkend": "weekend", "w": "with",
    "w/": "with", "w/o": "without",
    "cos": "because", "coz": "because", "dont": "don't", "havent": "haven't",
    "hasnt": "hasn't", "didnt": "didn't", "doesnt": "doesn't", "isnt": "isn't",
    "wont": "won't", "cant": "can't", "whats": "what's", "whos": "who's", "lets": "let's",
    "im": "i'm", "ive": "i've", "thats": "that's", "youre": "you're", "theyre": "they're",
    "arent": "aren't", "wasnt": "wasn't", "couldnt": "couldn't", "shouldnt": "shouldn't",
    "wouldnt": "wouldn't", "hows": "how's", "ml": "mail", "emial": "email", "emails": "emails",
    "gonna": "going to", "wanna": "want to", "gimme": "give me", "lemme": "let me",
    "nl": "newsletter",
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday",
    "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday",
    "weds": "wednesday", "nite": "night", "arvo": "afternoon", "mnth": "month", "evry": "every",
    "aftr": "after", "shd": "should", "shud": "should", "wud": "would", "vday": "valentine's day",
    "disc": "discount", "xmas": "christmas", "bday": "birthday", "mgmt": "management",
    "membs": "members", "subs": "subscribers", "unsub": "unsubscribe", "unsubs": "unsubscribes",
    "campain": "campaign", "sched": "schedule", "asap": "asap", "yr": "year", "yrs": "years",
}  # fmt: skip


_GLUED: Final = {
    "d": "days",
    "h": "hours",
    "w": "weeks",
    "mo": "months",
    "mos": "months",
    "y": "years",
}
"""Units written right behind their number: `90d`."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word in its plain form, as typed, and where `original` has it."""

    plain: str
    typed: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Wording:
    """`plain` is `original` in lower case, short forms and slips of the keys put right."""

    original: str
    plain: str
    _plain_starts: tuple[int, ...]
    _spans: tuple[tuple[int, int, int], ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Words, numbers and signs, one by one."""
        if not self._plain_starts:
            return ()
        ends = (*self._plain_starts[1:], len(self.plain))
        return tuple(
            Token(self.plain[start:stop].rstrip(), self.original[first:last], first, last)
            for (start, first, last), stop in zip(self._spans, ends, strict=True)
        )

    def said(self, start: int, end: int) -> str:
        """The words as typed behind `plain[start:end]`, whole tokens, outer space removed."""
        if start >= end:
            return ""
        first, last = self.place(start, end)
        return self.original[first:last].strip()

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where `original` has the tokens of `plain[start:end]`."""
        first = self._spans[max(bisect_right(self._plain_starts, start) - 1, 0)]
        last = self._spans[max(bisect_right(self._plain_starts, end - 1) - 1, 0)]
        return first[1], last[2]


class Lexicon:
    """Known words, and the nearest of them to a mistyped one. `spared` words are no slips."""

    def __init__(self, words: Iterable[str], spared: Iterable[str] = ()) -> None:
        self._known = frozenset(words)
        self._spared = frozenset(spared)
        self._near: dict[str, list[str]] = {}
        for word in sorted(self._known):
            if len(word) >= 4 and word.isalpha():
                for form in {word, *_deletions(word)}:
                    self._near.setdefault(form, []).append(word)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def nearest(self, word: str) -> str:
        """The known word one slip away, else the word itself. Short words only swap letters."""
        if word in self._known or word in self._spared or len(word) < 4 or not word.isalpha():
            return word
        candidates = {
            near
            for form in {word, *_deletions(word)}
            for near in self._near.get(form, ())
            if _one_slip(word, near) and (len(word) > 4 or sorted(word) == sorted(near))
        }
        return min(candidates, key=lambda near: (near[0] != word[0], near), default=word)


def _deletions(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _one_slip(typed: str, meant: str) -> bool:
    if len(typed) == len(meant):
        wrong = [at for at in range(len(typed)) if typed[at] != meant[at]]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            a, b = wrong
            return typed[a] == meant[b] and typed[b] == meant[a]
        return len(wrong) == 1
    longer, shorter = sorted((typed, meant), key=len, reverse=True)
    return len(longer) - len(shorter) == 1 and shorter in _deletions(longer)


def read(text: str, lexicon: Lexicon, names: Iterable[str] = ()) -> Wording:
    """Line the sentence up with its plain words. Never longer than a message may be.

    The words of `names` stay as they are.
    """
    named = {word for name in names for word in re.split(r"\W+", name.lower())}
    straight = text.translate(_STRAIGHT)
    pieces: list[str] = []
    starts: list[int] = []
    spans: list[tuple[int, int, int]] = []
    length = 0
    end = 0
    for match in _TOKEN.finditer(straight):
        if match.start() > end:
            pieces.append(" ")
            length += 1
        lower = match[0].lower()
        word = lower if lower in named else _plainly(match[0], lexicon)
        if match.start() == end and pieces and pieces[-1].isdigit():
            word = _GLUED.get(word, word)
        starts.append(length)
        spans.append((length, match.start(), match.end()))
        pieces.append(word)
        length += len(word)
        end = match.end()
    return Wording(text, "".join(pieces), tuple(starts), tuple(spans) or ((0, 0, 0),))


def _plainly(token: str, lexicon: Lexicon) -> str:
    word = token.lower()
    if word in SHORT_FORMS:
        return SHORT_FORMS[word]
    if not word[0].isalpha() or "@" in word:
        return word
    return lexicon.nearest(word)

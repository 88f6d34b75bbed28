"""How it should sound: one adjective in its base form."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_TONES: Final = dict(
    line.split(" ", 1)
    for line in Path(__file__).with_name("tones.txt").read_text("utf-8").splitlines()
)
"""Base form and the pattern of its forms."""
_START: Final = 3
_BY_START: Final = {
    start: tuple(
        (base, re.compile(form)) for base, form in _TONES.items() if base.startswith(start)
    )
    for start in {base[:_START] for base in _TONES}
}
_WITH_TONE_NOUN = r"(?:tone|voice|style|manner|feel|mood|vibe|wording|language)"
_TONED_DOWN = re.compile(
    r"\b(?:less|not|too|without|isn't|so|fewer|never|way too|no|nothing)(?: so| too| as| that"
    r"| very| the)? [\w-]+$"
)
_KEPT_WARM = re.compile(r"\bkeep(?:ing)? (?:them|'?em|him|her|us|people|the [\w-]+) warm$")
"""Who is kept warm is not how it sounds."""
_TONE_OTHER = re.compile(
    r"\b(?P<before>[a-z][a-z-]{2,}) (?:tone|voice)\b(?! of)|\b(?:tone|voice"
    r"|style)(?: of voice)?(?: (?:should|must|is|be|to|has|:))*:? (?:be |a bit |very "
    r"|always |rather |quite |more |really )*(?P<after>[a-z][a-z-]{2,})\b"
)
_TONE_COMPARED = re.compile(
    r"\bmake (?:it|this|that|the \w+|them) (?:a bit |a little |much |slightly |sound |feel "
    r"|way |lot )*(?:more )?(?P<word>[a-z-]{4,}(?:ier|er)|(?<=more )[a-z-]{4,})\b"
)
_NO_TONES: Final = frozenset(
    "the our your brand same that this shorter longer better bigger smaller larger higher "
    "lower different other right good bad less later earlier number offer "
    "another better-looking clear clearer simpler my and for with too its tone voice change "
    "sender newer older faster quicker sooner fewer under over after "
    "should must has have was were will please what which change email mail text subject fit "
    "from nice own all general use keep set more very short easier letter".split()
)


def tone(plain: str, *, loose: bool) -> str | None:
    """One adjective in its base form. `loose`: any such word counts, as in `make it warmer`."""
    spaced = " " + re.sub(r"\W", " ", plain)
    found = [
        (match.start(), base)
        for base, form in _TONES.items()
        if f" {base[:3]}" in spaced
        for match in _toned(form, loose=loose).finditer(plain)
        if not _TONED_DOWN.search(plain[: match.end()])
        and not _KEPT_WARM.search(plain[: match.end()])
    ]
    if found:
        return min(found)[1]
    if match := _TONE_OTHER.search(plain):
        word = match["before"] or match["after"]
        return None if word in _NO_TONES else word
    if loose and (match := _TONE_COMPARED.search(plain)):
        return _positive(match["word"])
    return None


@cache
def _toned(form: str, *, loose: bool) -> re.Pattern[str]:
    """Kept: the library forgets patterns when there are so many."""
    if loose:
        return re.compile(rf"\b(?:{form})\b")
    return re.compile(
        rf"\b(?:{form})(?:,? (?:and|but|yet) (?:[\w-]+ ?){{1,2}})? {_WITH_TONE_NOUN}\b"
        rf"|\b{_WITH_TONE_NOUN}\b[^.;]{{0,25}}?\b(?:{form})\b"
        rf"|\b(?:make|keep|sound|write|be|sounding|keeping|something|sent|nice and|short and"
        rf"|but|tone|voice|style|style|rather|quite|very|really|super)"
        rf"(?: (?:it|them|this|me|very|more|a bit|a little|a|really|quite|rather|nice|and"
        rf"|super|all|short|to|sound|in|much|please|something|always|kept|warm|clear"
        rf"|simple))* (?:{form})\b"
        rf"(?! (?:users?|customers?|members?|training))"
        rf"|\b(?:{form})(?:,? (?:and )?[\w-]+)? (?:e-?mails?|mails?|messages?|notes?|letters?"
        rf"|hello|greetings?|reminders?|nudge|newsletter|announcement|welcome|invitation"
        rf"|campaign|sequence|series|intro|way|update|thank you|thank-you|follow-up|line"
        rf"|wording|copy|text|touch|one|check-in|mailing|bulletin|greeting)\b"
        rf"|\b(?:{form}) (?:in {_WITH_TONE_NOUN}|not [\w-]+)\b|\bkeep (?:the|our"
        rf"|your) \w+ (?:{form})\b"
        rf"|(?:^|[,:;.!?] ?)(?:and |only |just |very |but |quite |really |not too long,? |short,? "
        rf"|all )?(?:{form})(?: and [\w-]+)?(?:,? please| pls)?(?=$|[,.;!])"
    )


def _positive(word: str) -> str | None:
    """`crisper` is `crisp`, `jollier` is `jolly`; words of size and worth are no tone."""
    if word in _NO_TONES:
        return None
    if word.endswith("ier"):
        return word[:-3] + "y"
    if word.endswith("iest"):
        return word[:-4] + "y"
    return word.removesuffix("est") if word.endswith("est") and len(word) > 6 else _short(word)


def _short(word: str) -> str:
    return word.removesuffix("er") if len(word) > 4 else word


def is_tone(word: str) -> bool:
    """Whether the plain word is an adjective of tone in any form."""
    return any(form.fullmatch(word) for _, form in _BY_START.get(word[:_START], ()))


def base_form(word: str) -> str | None:
    """`friendlier` and `friendliest` are `friendly`; a word that is not compared stays."""
    word = word.casefold()
    for base, form in _BY_START.get(word[:_START], ()):
        if form.fullmatch(word):
            return base
    return _positive(word)

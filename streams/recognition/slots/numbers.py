"""Counts and stretches of time as people write them."""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fourteen": 14,
    "eighteen": 18,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "hundred": 100,
    "a hundred": 100,
    "a couple of": 2,
    "a couple": 2,
    "couple of": 2,
    "a dozen": 12,
    "the": 1,
}
_DAYS: Final = {
    "day": 1,
    "night": 1,
    "week": 7,
    "fortnight": 14,
    "month": 30,
    "quarter": 90,
    "year": 365,
}

NUMBER: Final = (
    r"(?:\d+(?:[.,]\d+)?|a couple of|a couple|couple of|a hundred|a dozen|"
    + "|".join(sorted((w for w in WORDS if " " not in w and w != "the"), key=len, reverse=True))
    + r")"
)
UNIT: Final = r"(?:minute|hour|day|night|week|fortnight|month|quarter|year)s?"
SPAN: Final = (
    rf"(?:half an? (?:year|hour|month)|{NUMBER}(?: and a half)?\+?[ -]?(?:full |whole "
    rf"|straight )?{UNIT})"
)
_SPAN = re.compile(
    rf"(?:(?P<half>half) an? |(?P<n>{NUMBER})(?P<more> and a half)?\+?[ -]?(?:full |whole "
    rf"|straight )?)(?P<unit>{UNIT})"
)


def number(words: str) -> float | None:
    """`3`, `three`, `a couple of`; None when it is no number."""
    words = words.strip()
    if words in WORDS:
        return float(WORDS[words])
    try:
        return float(words.replace(",", "."))
    except ValueError:
        return None


def whole(value: float) -> int | float:
    """An integer where there is nothing behind the point."""
    return int(value) if value == int(value) else value


def span(words: str) -> tuple[float, str] | None:
    """`two months` as (2.0, "month"); None when it is no stretch of time."""
    match = _SPAN.search(words)
    if match is None:
        return None
    count = 0.5 if match["half"] else number(match["n"])
    if count is None:
        return None
    if match["more"]:
        count += 0.5
    return count, match["unit"].rstrip("s")


def span_days(words: str) -> int | None:
    """Days of a stretch; a week is 7, a month 30, a year 365. None below a day."""
    found = span(words)
    if found is None or found[1] not in _DAYS:
        return None
    if found == (0.5, "year"):
        return 180
    return round(found[0] * _DAYS[found[1]])


def span_text(words: str) -> str | None:
    """A stretch in digits and a unit: `3 days`, `1 hour`."""
    found = span(words)
    if found is None:
        return None
    count, unit = found
    if count == 0.5 and unit == "hour":
        return "30 minutes"
    if count != int(count):
        return None
    return f"{int(count)} {unit}{'' if count == 1 else 's'}"

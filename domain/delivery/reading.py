"""Whether a person or a machine opened a mail or followed its links: a rule with a version.

The rule sees nothing personal: when, what kind of program (`agents.py`), and when the mail was
delivered. So history can be judged again by a rebuild, also after a person was erased.

Version 1, a reading is a machine's when

1. its program says so: a link scanner, a headless browser, a library, a link preview, or nothing at
   all. Apple's privacy proxy loads every image whether or not somebody looks, so its opens prove
   nobody (Mailgun, "Bot Detection"). The image proxies of Gmail and Yahoo hide the reader, but
   fetch when one opens the mail, and count as a person's.
2. it came within 2 seconds after the delivery, or before it: scanners look at a mail while the
   gateway holds it, and nobody is that quick ("Bot clicks from security scanners": people are not
   within 5 seconds; we take the shorter time, so that no person is called a machine).
3. a click came within 1 second of another click in the same mail. Postmark tells the first click of
   each link only, so that is two links at once, as scanners do ("3 links in 2 seconds" and "every
   link at nearly the same time" in the same sources).

Programs of old events are `unknown` and judged by time alone. What no line calls a machine's counts
as a person's: the number of people is an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from domain.delivery.agents import Agent

VERSION: Final = 1
MACHINES: Final[frozenset[Agent]] = frozenset(
    {
        "apple_proxy", "barracuda", "proofpoint", "mimecast", "cisco", "trend_micro",
        "other_scanner", "headless", "library", "preview", "none",
    }
)  # fmt: skip
AT_ONCE: Final = 2_000_000
"""Microseconds after the delivery."""
TOGETHER: Final = 1_000_000
"""Microseconds between two clicks."""
MOST_JUDGED: Final = 100
"""Of one delivery the earliest so many are judged; later ones count as a person's."""


class Reading(NamedTuple):
    """An open or a click. `at` in microseconds; readings sort by it."""

    at: int
    event: Literal["opened", "clicked"]
    agent: str


class Judged(NamedTuple):
    """How many readings of one delivery are machines'."""

    opened: int
    clicked: int


def judge(readings: Sequence[Reading], delivered_at: int | None) -> Judged:
    """The verdict about all readings of one delivery, in whatever order they came."""
    judged = sorted(readings)[:MOST_JUDGED]
    clicks = [reading.at for reading in judged if reading.event == "clicked"]
    machines = [
        reading.event
        for reading in judged
        if reading.agent in MACHINES
        or (delivered_at is not None and reading.at <= delivered_at + AT_ONCE)
        or (reading.event == "clicked" and _together(reading.at, clicks))
    ]
    return Judged(machines.count("opened"), machines.count("clicked"))


def _together(at: int, clicks: Sequence[int]) -> bool:
    return sum(abs(other - at) <= TOGETHER for other in clicks) > 1

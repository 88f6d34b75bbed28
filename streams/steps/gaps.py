"""Gaps between what the provider counts and what we heard: which days to look through. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from domain.delivery import lookback
from schemas.codec import to_datetime
from streams.steps.webhooks import Kind

_ZONE: Final = ZoneInfo("America/New_York")
"""Postmark's statistics and dates are in US Eastern time."""
KEPT: Final = lookback.KEPT
SEARCHABLE: Final = lookback.SEARCHABLE
LOOKS: Final = 10
"""After so many looks a message that tells nothing is left alone."""


class Count(NamedTuple):
    """How often something happened on a day: what they say, and what we heard."""

    kind: Kind
    day: date
    theirs: int
    ours: int


def provider_day(at: int) -> date:
    """The provider's day of a moment in microseconds."""
    return to_datetime(at).astimezone(_ZONE).date()


def first_day(now: datetime, since: datetime) -> date:
    """The first day worth comparing: of what is kept, and after `since`."""
    return max(now - KEPT, since).astimezone(_ZONE).date()


def day_begins(day: date) -> datetime:
    """When the provider's day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=_ZONE)


def counted(
    kind: Kind, theirs: Mapping[date, int], ours: Mapping[tuple[str, date], int], first: date
) -> list[Count]:
    """Both sides' counts of every day from `first` on that has any."""
    days = {day for day in theirs if day >= first}
    days |= {day for name, day in ours if name == kind and day >= first}
    return [Count(kind, day, theirs.get(day, 0), ours.get((kind, day), 0)) for day in sorted(days)]


def to_look_through(counts: Iterable[Count], looked: Iterable[Count]) -> list[Count]:
    """The days that differ, but for those that were looked through when they stood the same.

    A server that others use too never agrees with us: its days are looked through once, and
    again only when a number changes.
    """
    known = set(looked)
    return [each for each in counts if each.theirs != each.ours and each not in known]


_OUR_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Delivered": ("Delivered",),
    "Bounced": ("Bounced", "Complained"),
    "Opened": ("Opened",),
    "LinkClicked": ("Clicked",),
    "SubscriptionChanged": ("SubscriptionChanged",),
}


def missing_events(details: Mapping[str, Any], recorded: Mapping[str, int]) -> set[str]:
    """Of one message: the types of MessageEvents of which there are more than events of ours.

    `recorded`: how many events of each type its delivery has. A delay (Transient) is a bounce.
    """
    told: Counter[str] = Counter()
    for event in details.get("MessageEvents") or []:
        told["Bounced" if event.get("Type") == "Transient" else str(event.get("Type"))] += 1
    return {
        theirs
        for theirs, ours in _OUR_EVENTS.items()
        if told[theirs] > sum(recorded.get(name, 0) for name in ours)
    }


def has_ended(details: Mapping[str, Any]) -> bool:
    """Whether the message was delivered or has bounced for good."""
    events = details.get("MessageEvents") or []
    return any(event.get("Type") in ("Delivered", "Bounced") for event in events)


def next_look(looks: int, after: timedelta) -> timedelta | None:
    """When to look again at a batch with silent messages, after so many looks; None: never."""
    return None if looks >= LOOKS else min(after * 2.0**looks, timedelta(days=7))

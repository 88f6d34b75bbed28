"""Numbers, times and lists as people say them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

REASONS = {
    "no_consent": ("has not agreed to e-mails", "have not agreed to e-mails"),
    "unsubscribed": ("unsubscribed", "unsubscribed"),
    "hard_bounced": ("has an address that bounced", "have addresses that bounced"),
    "complained": ("marked a mail as spam", "marked a mail as spam"),
    "inactive_at_provider": (
        "has an address the mail provider blocks",
        "have addresses the mail provider blocks",
    ),
    "deleted": ("was deleted", "were deleted"),
    "erased": ("was erased", "were erased"),
}


def number(n: int) -> str:
    """12,345."""
    return f"{n:,}"


def people(n: int) -> str:
    """ "1 person", "12 people"."""
    return "1 person" if n == 1 else f"{number(n)} people"


def counted(n: int, one: str, more: str | None = None) -> str:
    """ "1 e-mail", "3 e-mails"."""
    return f"{number(n)} {one if n == 1 else more or one + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def quoted(items: Sequence[str], most: int = 6) -> str:
    """Names in quotes, the first few of them."""
    return listed([f"“{item}”" for item in items[:most]], "or")


def moment(at: datetime, zone: str) -> str:
    """Friday, 27 November 2026 at 09:00 (Europe/Vienna)."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%A}, {local.day} {local:%B %Y} at {local:%H:%M} ({zone})"


def span(seconds: int) -> str:
    """Three days, as "3 days"; the largest unit that is exact."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return counted(seconds // size, unit)
    return counted(int(timedelta(seconds=seconds).total_seconds()), "second")


def left_out(withheld: Mapping[str, int]) -> str:
    """ "3 unsubscribed, 12 have not agreed to e-mails"."""
    parts = []
    for reason, n in sorted(withheld.items(), key=lambda item: (-item[1], item[0])):
        one, more = REASONS.get(reason, (reason, reason))
        parts.append(f"{number(n)} {one if n == 1 else more}")
    return ", ".join(parts)


def share(part: int, whole: int) -> str:
    """A part in per cent, with one decimal below ten."""
    if not whole:
        return "0%"
    percent = 100 * part / whole
    return f"{percent:.1f}%" if 0 < percent < 10 else f"{percent:.0f}%"

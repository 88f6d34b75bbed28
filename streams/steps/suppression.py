"""What the signs about an address add up to, in whatever order and however often they came."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from domain.contact.commands import SuppressionReason
from domain.contact.decisions import RANK, may_lift, replaces
from streams.steps.webhooks import Sign


class Signs(NamedTuple):
    """The latest time of each kind of sign; None where there was none."""

    complained: datetime | None = None
    unsubscribed: datetime | None = None
    hard_bounced: datetime | None = None
    inactive: datetime | None = None
    lifted: datetime | None = None
    returned: datetime | None = None


NO_SIGNS: Final = Signs()


class Change(NamedTuple):
    """What to record about an address: first that it works again, then why it does not."""

    reactivate: bool = False
    suppress: SuppressionReason | None = None


def with_signs(known: Signs, heard: Iterable[tuple[Sign, datetime]]) -> Signs:
    """The latest of each kind: the same for every order and number of repeats."""
    for sign, at in heard:
        before: datetime | None = getattr(known, sign)
        if before is None or at > before:
            known = known._replace(**{sign: at})
    return known


def meaning(signs: Signs) -> SuppressionReason | None:
    """The reason for silence that the signs leave standing.

    A complaint stays. An unsubscribe ends when the person comes back later, a dead or inactive
    mailbox also when the provider says later that it works.
    """
    back = signs.returned
    works = max(filter(None, (signs.lifted, back)), default=None)
    if signs.complained:
        return "complained"
    if signs.unsubscribed and not _later(back, signs.unsubscribed):
        return "unsubscribed"
    if signs.hard_bounced and not _later(works, signs.hard_bounced):
        return "hard_bounced"
    if signs.inactive and not _later(works, signs.inactive):
        return "inactive_at_provider"
    return None


def _later(one: datetime | None, other: datetime) -> bool:
    return one is not None and one > other


def change(
    present: SuppressionReason | None, before: Signs, after: Signs, since: datetime | None
) -> Change:
    """What new signs change about an address that stands at `present`.

    `since`: when `present` was decided, for one that our signs do not explain (a link, an
    answer): only a later sign lifts it.
    """
    means = meaning(after)
    lifts = present is not None and _lifts(present, before, after, since)
    if lifts and present is not None and (means is None or RANK[means] < RANK[present]):
        return Change(reactivate=True, suppress=means)
    return Change(suppress=means if means and replaces(means, present) else None)


def _lifts(present: SuppressionReason, before: Signs, after: Signs, since: datetime | None) -> bool:
    came_back = after.returned != before.returned
    if not came_back and after.lifted == before.lifted:
        return False
    if not may_lift(present, by_the_person=came_back):
        return False
    if meaning(before) == present or since is None:
        return True
    return _later(after.returned if came_back else after.lifted, since)

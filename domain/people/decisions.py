"""Pure rules of access: how often may be tried, who may give which role, what a token means."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from domain.access.permissions import ROLES, Permission, Role

ACCESS_TOKEN: Final = timedelta(minutes=15)
REFRESH_TOKEN: Final = timedelta(days=7)
RESET_LINK: Final = timedelta(hours=1)
SIGNUP_LINK: Final = timedelta(days=1)


# --- how often -----------------------------------------------------------------------------


class Allowance(NamedTuple):
    """So many attempts at once; then a pause that doubles with each, up to the longest."""

    free: int
    first_pause: timedelta
    longest_pause: timedelta


class Attempts(NamedTuple):
    """What was counted of one kind of attempt, and when the last one was (aware)."""

    tries: int
    last: datetime


LOGIN_OF_ADDRESS: Final = Allowance(5, timedelta(seconds=1), timedelta(minutes=15))
LOGIN_FROM_NETWORK: Final = Allowance(50, timedelta(seconds=1), timedelta(minutes=15))
MAIL_TO_ADDRESS: Final = Allowance(3, timedelta(minutes=1), timedelta(hours=6))
MAIL_FROM_NETWORK: Final = Allowance(30, timedelta(seconds=5), timedelta(hours=1))
FORGOTTEN_AFTER: Final = timedelta(days=1)


def wait(attempts: Attempts, allowance: Allowance, now: datetime) -> timedelta:
    """How long until the next attempt is looked at; zero when it may be made now."""
    beyond = attempts.tries - allowance.free
    if beyond < 0 or now - attempts.last >= FORGOTTEN_AFTER:
        return timedelta()
    doubled: timedelta = allowance.first_pause * 2 ** min(beyond, 20)
    left = attempts.last + min(doubled, allowance.longest_pause) - now
    return max(left, timedelta())


def counted(attempts: Attempts, now: datetime) -> Attempts:
    """With one more, made now."""
    if now - attempts.last >= FORGOTTEN_AFTER:
        return Attempts(1, now)
    return Attempts(attempts.tries + 1, now)


# --- roles ---------------------------------------------------------------------------------


def may_assign(own: Collection[Permission], *roles: Role) -> bool:
    """Whether somebody may give or take these roles: none allows what they may not do."""
    return all(ROLES[role] <= frozenset(own) for role in roles)


# --- refresh tokens ------------------------------------------------------------------------


class Presented(NamedTuple):
    """A refresh token that we made, as it stands now."""

    used: bool
    expires_at: datetime
    session_over: bool


def judge(token: Presented, now: datetime) -> Literal["rotate", "reused", "refused"]:
    """What follows from presenting it.

    A used one is in two hands, one of which stole it: nobody knows which, so the family ends.
    """
    if token.session_over:
        return "refused"
    if token.used:
        return "reused"
    return "rotate" if now < token.expires_at else "refused"

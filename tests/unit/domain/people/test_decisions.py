"""How often may be tried, who may give which role, what a refresh token leads to."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.permissions import EVERYTHING, ROLES, Role
from domain.people.decisions import (
    FORGOTTEN_AFTER,
    LOGIN_OF_ADDRESS,
    MAIL_TO_ADDRESS,
    Allowance,
    Attempts,
    Presented,
    counted,
    judge,
    may_assign,
    wait,
)
from tests.unit.domain.made import NOW

COUNTS = st.integers(0, 10_000)
ALLOWANCES = st.sampled_from([LOGIN_OF_ADDRESS, MAIL_TO_ADDRESS])


def after(attempts: int, allowance: Allowance) -> timedelta:
    """The pause right after so many attempts."""
    return wait(Attempts(attempts, NOW), allowance, NOW)


def test_the_first_attempts_are_free_and_then_the_pause_doubles() -> None:
    pauses = [after(n, LOGIN_OF_ADDRESS).total_seconds() for n in range(4, 9)]
    assert pauses == [0, 1, 2, 4, 8]


@given(COUNTS, ALLOWANCES)
def test_more_attempts_never_wait_less_and_never_longer_than_the_longest(
    count: int, allowance: Allowance
) -> None:
    assert after(count, allowance) <= after(count + 1, allowance) <= allowance.longest_pause


@given(COUNTS, ALLOWANCES)
def test_after_the_pause_nobody_waits(count: int, allowance: Allowance) -> None:
    pause = after(count, allowance)
    assert not wait(Attempts(count, NOW), allowance, NOW + pause)


def test_a_day_later_everything_is_forgotten() -> None:
    much = Attempts(10_000, NOW)
    assert not wait(much, LOGIN_OF_ADDRESS, NOW + FORGOTTEN_AFTER)
    assert counted(much, NOW + FORGOTTEN_AFTER) == Attempts(1, NOW + FORGOTTEN_AFTER)
    assert counted(much, NOW) == Attempts(10_001, NOW)


@pytest.mark.parametrize("role", get_args(Role))
def test_nobody_gives_a_role_that_allows_more_than_their_own(role: Role) -> None:
    assert may_assign(ROLES[role], role)
    for other in get_args(Role):
        assert may_assign(ROLES[role], role, other) == (ROLES[other] <= ROLES[role])


def test_an_admin_makes_no_owner_and_unmakes_none() -> None:
    assert not may_assign(ROLES["admin"], "owner", "admin")
    assert may_assign(EVERYTHING, "owner", "admin")


def token(*, used: bool = False, over: bool = False, left: int = 1) -> Presented:
    return Presented(used, NOW + timedelta(seconds=left), over)


def test_a_fresh_token_is_rotated_and_a_used_one_ends_the_family() -> None:
    assert judge(token(), NOW) == "rotate"
    assert judge(token(used=True), NOW) == "reused"
    assert judge(token(used=True, left=0), NOW) == "reused"


def test_an_expired_one_or_one_of_a_session_that_is_over_is_refused() -> None:
    assert judge(token(left=0), NOW) == "refused"
    assert judge(token(over=True), NOW) == "refused"
    assert judge(token(over=True, used=True), NOW) == "refused"

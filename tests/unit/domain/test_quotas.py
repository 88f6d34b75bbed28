"""Rules of quotas: what fits, what a month is, and that a quota is an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from domain.organization.aggregate import Organization
from domain.organization.quotas import (
    UNLIMITED,
    Quota,
    admitted,
    ensure_contact_fits,
    month_of,
    why_held_back,
)
from domain.shared.errors import RuleViolatedError
from tests.support.spec import Spec
from tests.unit.domain.made import META


def organization() -> Organization:
    return Organization.create("Bakery", replace(META, organization_id=uuid4()))


@pytest.mark.parametrize(
    ("limit", "used", "wanted", "fit"),
    [(None, 10**9, 500, 500), (10, 4, 500, 6), (10, 10, 1, 0), (10, 12, 1, 0), (0, 0, 5, 0),
     (10, 0, 10, 10)],
)  # fmt: skip
def test_what_fits_below_a_limit(limit: int | None, used: int, wanted: int, fit: int) -> None:
    assert admitted(limit, used, wanted) == fit


def test_a_contact_over_the_quota_is_refused_with_a_code_and_numbers() -> None:
    ensure_contact_fits(2, 1)
    ensure_contact_fits(None, 10**9)
    with pytest.raises(RuleViolatedError, match="may have 2 contacts and has 2") as refused:
        ensure_contact_fits(2, 2)
    assert refused.value.code == "contacts_quota_reached"


def test_a_quota_is_an_event_and_the_same_again_is_none() -> None:
    quota = Quota(contacts=5, sends_a_month=None)
    limited = Spec.given(organization()).when(lambda o: o.set_quota(quota, META))
    made = limited.then(Organization.QuotaSet)
    assert made.quota == quota
    Spec.given(made).when(lambda o: o.set_quota(quota, META)).then()
    Spec.given(made).when(lambda o: o.set_quota(UNLIMITED, META)).then(Organization.QuotaSet)


@pytest.mark.parametrize("quota", [Quota(contacts=-1), Quota(sends_a_month=10**13)])
def test_an_absurd_quota_is_refused(quota: Quota) -> None:
    spec = Spec.given(organization()).when(lambda o: o.set_quota(quota, META))
    spec.then_refused("invalid_quota")


def test_a_month_is_one_of_utc_wherever_the_clock_hangs() -> None:
    assert month_of(datetime(2026, 2, 28, 23, 59, tzinfo=UTC)) == date(2026, 2, 1)
    east = timezone(timedelta(hours=5))
    assert month_of(datetime(2026, 3, 1, 2, 0, tzinfo=east)) == date(2026, 2, 1)


def test_who_is_held_back_reads_how_many_and_of_which_month() -> None:
    said = why_held_back(1000, date(2026, 2, 1))
    assert "All 1,000 sends of February 2026 are used" in said
    assert "resume" in said

"""Rules of API keys: made, replaced with an overlap, expired, revoked; nobody hands out more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.access.permissions import Permission
from domain.organization.aggregate import Organization
from domain.organization.commands import IssueApiKey, ReplaceApiKey
from domain.organization.keys import beyond
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from tests.support.spec import Spec
from tests.unit.domain.made import META, later

KEY, NEXT = UUID(int=1), UUID(int=2)
ISSUE = IssueApiKey(KEY, b"h" * 32, "nk_abcdefg", ("campaigns:read",), "Shop")
DAY = timedelta(days=1)
REPLACE = ReplaceApiKey(KEY, NEXT, b"n" * 32, "nk_hijklmn", DAY)


def organization() -> Organization:
    return Organization.create("Bakery", replace(META, organization_id=uuid4()))


def with_key(expires_in: timedelta | None = None) -> Organization:
    made = organization()
    expires = None if expires_in is None else META.now + expires_in
    made.issue_api_key(replace(ISSUE, expires_at=expires), META)
    return made


def after(days: float) -> Meta:
    return later(days=days)


def test_a_key_is_in_use_until_it_expires() -> None:
    key = with_key(2 * DAY).api_key(KEY)
    assert key.in_use(META.now + DAY)
    assert not key.in_use(META.now + 2 * DAY)
    assert with_key().api_key(KEY).in_use(META.now + 1000 * DAY)


@pytest.mark.parametrize(
    ("expires_in", "code"),
    [(timedelta(0), "expiry_in_past"), (-DAY, "expiry_in_past"), (2000 * DAY, "expiry_too_far")],
)
def test_a_key_expires_in_the_future_and_within_five_years(
    expires_in: timedelta, code: str
) -> None:
    issue = replace(ISSUE, expires_at=META.now + expires_in)
    Spec.given(organization()).when(lambda o: o.issue_api_key(issue, META)).then_refused(code)


def test_a_successor_has_the_name_and_scopes_and_the_former_key_ends_with_the_overlap() -> None:
    rotated = (
        Spec.given(with_key())
        .when(lambda o: o.replace_api_key(REPLACE, META))
        .then(Organization.ApiKeyIssued, Organization.ApiKeyReplaced)
    )
    former, successor = rotated.api_key(KEY), rotated.api_key(NEXT)
    assert (successor.name, successor.scopes) == ("Shop", ("campaigns:read",))
    assert former.in_use(META.now + DAY - timedelta(seconds=1))
    assert not former.in_use(META.now + DAY)
    assert successor.in_use(META.now + 2 * DAY)


def test_an_overlap_never_makes_a_key_live_longer() -> None:
    made = with_key(timedelta(hours=1))
    made.replace_api_key(REPLACE, META)
    assert made.api_key(KEY).ends_at == META.now + timedelta(hours=1)


def test_without_an_overlap_the_former_key_is_over_at_once() -> None:
    made = with_key()
    made.replace_api_key(replace(REPLACE, overlap=timedelta(0)), META)
    assert not made.api_key(KEY).in_use(META.now)


@pytest.mark.parametrize("overlap", [timedelta(days=31), timedelta(seconds=-1)])
def test_an_overlap_is_bounded(overlap: timedelta) -> None:
    command = replace(REPLACE, overlap=overlap)
    spec = Spec.given(with_key()).when(lambda o: o.replace_api_key(command, META))
    spec.then_refused("overlap_too_long")


AGAIN = replace(REPLACE, successor_id=UUID(int=3))


def test_a_key_that_is_over_gets_no_successor() -> None:
    spec = Spec.given(with_key(DAY)).when(lambda o: o.replace_api_key(AGAIN, after(2)))
    spec.then_refused("key_not_in_use")


def test_a_key_that_has_a_successor_gets_no_other() -> None:
    replaced = Spec.given(with_key(), lambda o: o.replace_api_key(REPLACE, META))
    replaced.when(lambda o: o.replace_api_key(AGAIN, META)).then_refused("key_replaced")


def test_a_revoked_key_is_over_at_once_and_revoking_it_again_says_nothing_new() -> None:
    spec = Spec.given(with_key()).when(lambda o: o.revoke_api_key(KEY, META))
    revoked = spec.then(Organization.ApiKeyRevoked)
    assert not revoked.api_key(KEY).in_use(META.now)
    Spec.given(revoked).when(lambda o: o.revoke_api_key(KEY, META)).then()
    refused = Spec.given(revoked).when(lambda o: o.replace_api_key(REPLACE, META))
    refused.then_refused("key_not_in_use")


def test_a_key_nobody_made_is_not_there() -> None:
    with pytest.raises(NotFoundError):
        organization().revoke_api_key(KEY, META)


def test_keys_in_use_are_theirs_who_made_them_or_a_key_that_made_them() -> None:
    made, ada, ben = organization(), f"user:{UUID(int=7)}", f"user:{UUID(int=8)}"
    issued: dict[str, UUID] = {}
    for name, by in (("hers", ada), ("by hers", "hers"), ("over", ada), ("his", ben)):
        actor = f"key:{issued[by]}" if by in issued else by
        issued[name] = uuid4()
        issue = replace(ISSUE, key_id=issued[name], secret_hash=issued[name].bytes * 2)
        made.issue_api_key(issue, replace(META, actor=actor))
    made.revoke_api_key(issued["over"], META)

    assert made.keys_in_use_of(ada, META.now) == [issued["hers"], issued["by hers"]]
    assert made.keys_in_use_of(ben, META.now) == [issued["his"]]
    assert made.keys_in_use_of("operator:cli", META.now) == []


def test_what_a_key_could_do_beyond_its_maker_is_named() -> None:
    held: frozenset[Permission] = frozenset({"campaigns:read", "contacts:read"})
    assert beyond(["campaigns:read"], held) == []
    assert beyond(["campaigns:read", "contacts:write"], held) == ["contacts:write"]
    assert "keys:write" in beyond(["*"], held)
    assert beyond(["no:such"], held) == []

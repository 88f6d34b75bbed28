"""Rules of an analyst login."""

from __future__ import annotations

from uuid import UUID

from domain.organization.analyst import Analyst, username_of
from tests.support.spec import Spec
from tests.unit.domain.made import META

ID = UUID("6f0c2d3e-8d14-4b0f-9a57-21c4f8b1d3a2")


def analyst() -> Analyst:
    return Analyst.create(ID, "Dashboard", META)


def test_a_login_is_made_with_a_name_that_follows_from_its_id() -> None:
    made = analyst()
    assert [type(event) for event in made.collect_events()] == [Analyst.Created]
    assert made.username == username_of(ID) == "analyst_6f0c2d3e8d144b0f9a5721c4f8b1d3a2"
    assert (made.organization_id, made.created_by) == (META.organization_id, META.actor)


def test_a_login_is_revoked_once() -> None:
    Spec.given(analyst()).when(lambda login: login.revoke(META)).then(Analyst.Revoked)
    Spec.given(analyst(), lambda login: login.revoke(META)).when(
        lambda login: login.revoke(META)
    ).then()

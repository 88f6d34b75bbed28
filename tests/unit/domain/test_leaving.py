"""Rules of leaving: an organization is deleted once."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from domain.organization.aggregate import Organization
from tests.support.spec import Spec
from tests.unit.domain.made import META


def organization() -> Organization:
    return Organization.create("Bakery", replace(META, organization_id=uuid4()))


def test_an_organization_that_is_there_may_leave() -> None:
    Spec.given(organization()).when(lambda o: o.ensure_there()).then()
    gone = Spec.given(organization()).when(lambda o: o.delete(7, META)).then(Organization.Deleted)
    assert gone.deleted


def test_it_leaves_once() -> None:
    gone = Spec.given(organization()).when(lambda o: o.delete(7, META)).then(Organization.Deleted)
    Spec.given(gone).when(lambda o: o.delete(0, META)).then_refused("organization_deleted")
    Spec.given(gone).when(lambda o: o.ensure_there()).then_refused("organization_deleted")

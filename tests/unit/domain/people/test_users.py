"""Users: roles change, people leave, and an organization keeps an owner."""

from __future__ import annotations

from typing import get_args
from uuid import uuid4

import pytest

from domain.access.permissions import Role
from domain.people.commands import Change, RegisterUser
from domain.people.user import User
from domain.shared.errors import NotFoundError
from tests.support.spec import Spec
from tests.unit.domain.made import META


def a_user(role: Role = "marketer") -> User:
    return User.register(RegisterUser(uuid4(), "ada@example.com", "Ada", role), META)


def test_a_role_changes() -> None:
    user = (
        Spec.given(a_user()).when(lambda u: u.change_role("admin", 1, META)).then(User.RoleChanged)
    )
    assert user.role == "admin"


def test_the_same_role_again_changes_nothing() -> None:
    Spec.given(a_user()).when(lambda u: u.change_role("marketer", 1, META)).then()


def test_the_last_owner_cannot_become_something_else() -> None:
    owner = Spec.given(a_user("owner"))
    owner.when(lambda u: u.change_role("admin", 0, META)).then_refused("last_owner")


def test_the_last_owner_cannot_leave() -> None:
    owner = Spec.given(a_user("owner"))
    owner.when(lambda u: u.remove(0, META)).then_refused("last_owner")


def test_an_owner_may_leave_while_there_is_another() -> None:
    Spec.given(a_user("owner")).when(lambda u: u.remove(1, META)).then(User.Removed)


@pytest.mark.parametrize("how", get_args(Change))
def test_a_password_changes_by_a_link_or_by_giving_the_current_one(how: Change) -> None:
    Spec.given(a_user()).when(lambda u: u.change_password(how, META)).then(User.PasswordChanged)


def test_somebody_who_left_is_not_there() -> None:
    user = a_user()
    user.remove(1, META)
    with pytest.raises(NotFoundError):
        user.change_role("admin", 1, META)
    with pytest.raises(NotFoundError):
        user.change_password("reset", META)

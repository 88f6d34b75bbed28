"""Invitations: once, for seven days, unless taken back."""

from __future__ import annotations

from uuid import uuid4

from domain.people.commands import Invite
from domain.people.invitation import Invitation
from domain.people.session import Session
from tests.support.spec import Spec
from tests.unit.domain.made import META, later


def invited() -> Invitation:
    expires_at = later(days=7).now
    return Invitation.create(Invite(uuid4(), uuid4(), "b@example.com", "analyst", expires_at), META)


def test_an_invitation_is_accepted_once() -> None:
    almost = later(days=6)
    Spec.given(invited()).when(lambda i: i.accept(almost, inviter_left=False)).then(
        Invitation.Accepted
    )
    again = Spec.given(invited(), lambda i: i.accept(META, inviter_left=False))
    again.when(lambda i: i.accept(META, inviter_left=False)).then_refused("invitation_over")


def test_it_gives_the_role_it_names() -> None:
    assert invited().accept(META, inviter_left=False) == "analyst"


def test_after_seven_days_it_is_over() -> None:
    at_last = Spec.given(invited()).when(lambda i: i.accept(later(days=7), inviter_left=False))
    at_last.then_refused("invitation_over")


def test_one_by_somebody_who_left_admits_nobody() -> None:
    Spec.given(invited()).when(lambda i: i.accept(META, inviter_left=True)).then_refused(
        "invitation_over"
    )


def test_taken_back_it_cannot_be_accepted() -> None:
    revoked = Spec.given(invited(), lambda i: i.revoke(META))
    revoked.when(lambda i: i.accept(META, inviter_left=False)).then_refused("invitation_over")


def test_an_accepted_one_cannot_be_taken_back() -> None:
    accepted = Spec.given(invited(), lambda i: i.accept(META, inviter_left=False))
    accepted.when(lambda i: i.revoke(META)).then_refused("invitation_over")


def test_a_session_ends_once() -> None:
    session = Session.start(uuid4(), uuid4(), "password", META)
    ended = Spec.given(session).when(lambda s: s.end("revoked", META)).then(Session.Ended)
    Spec.given(ended).when(lambda s: s.end("logged_out", META)).then()

"""A campaign's life: one yes for one content, changes before it is sent, holding and stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from domain.campaign.aggregate import Campaign
from domain.campaign.commands import RequestTest
from domain.campaign.decisions import GO, STOP, may_send, workflow_graph
from domain.campaign.values import Content, Sender
from tests.support.spec import Spec
from tests.unit.domain.made import META, NOW, approved, content, drafted, later, sending

Act = Callable[[Campaign], Any]
OTHER = content(subject="Come back")


def approve(campaign: Campaign) -> None:
    campaign.approve(campaign.content_hash, META)


def revise(to: Content) -> Act:
    return lambda c: c.revise(to, workflow_graph(to), META)


def in_status(status: str) -> Campaign:
    """A campaign that got to this status the ordinary way."""
    in_a_day = content(schedule_at=later(days=1).now)
    makers: dict[str, Callable[[], Campaign]] = {
        "draft": drafted,
        "approved": approved,
        "scheduled": lambda: approved(in_a_day),
        "sending": sending,
        "paused": lambda: after(sending(), lambda c: c.pause(META)),
        "sent": lambda: after(sending(), lambda c: c.complete(1, META)),
        "cancelled": lambda: after(approved(), lambda c: c.cancel(META)),
        "rejected": lambda: after(drafted(), lambda c: c.reject("", META)),
    }
    campaign = makers[status]()
    assert campaign.status == status
    return campaign


def after(campaign: Campaign, act: Act) -> Campaign:
    act(campaign)
    return campaign


STATUSES = ("draft", "approved", "scheduled", "sending", "paused", "sent", "cancelled", "rejected")


def test_a_draft_holds_what_would_be_sent() -> None:
    campaign = drafted()
    assert [type(e) for e in campaign.collect_events()] == [Campaign.Created]
    assert campaign.content == content()
    assert campaign.status == "draft"


def test_an_approval_covers_exactly_the_content_that_was_seen() -> None:
    assert Spec.given(drafted()).when(approve).then(Campaign.Approved).status == "approved"
    seen = drafted(OTHER).content_hash
    Spec.given(drafted()).when(lambda c: c.approve(seen, META)).then_refused("content_changed")


def test_approving_again_is_told_apart_from_approving_something_else() -> None:
    Spec.given(approved()).when(approve).then_refused("already_approved")
    Spec.given(approved()).when(lambda c: c.approve("0" * 64, META)).then_refused("content_changed")


@pytest.mark.parametrize("sender", [Sender(), Sender("Crumb", "hello@crumb.example")])
def test_nothing_is_approved_without_a_complete_sender(sender: Sender) -> None:
    Spec.given(drafted(content(sender=sender))).when(approve).then_refused("sender_incomplete")


def test_a_time_that_has_passed_cannot_be_approved() -> None:
    campaign = drafted(content(schedule_at=later(hours=1).now))
    Spec.given(campaign).when(lambda c: c.approve(c.content_hash, later(hours=2))).then_refused(
        "schedule_in_past"
    )


@pytest.mark.parametrize("status", ["cancelled", "rejected"])
def test_what_is_over_cannot_be_approved(status: str) -> None:
    Spec.given(in_status(status)).when(approve).then_refused("not_approvable")


@pytest.mark.parametrize("status", STATUSES)
def test_content_changes_before_it_is_sent_and_not_after(status: str) -> None:
    spec = Spec.given(in_status(status)).when(revise(OTHER))
    if status in ("draft", "approved", "scheduled"):
        revised = spec.then(Campaign.Revised)
        assert (revised.status, revised.content, revised.approved_hash) == ("draft", OTHER, None)
    else:
        spec.then_refused("not_editable")


def test_the_same_content_again_changes_nothing_and_keeps_the_approval() -> None:
    assert Spec.given(approved()).when(revise(content())).then().status == "approved"


def test_a_changed_campaign_needs_a_new_yes() -> None:
    old = drafted().content_hash
    spec = Spec.given(approved(), revise(OTHER))
    spec.when(lambda c: c.approve(old, META)).then_refused("content_changed")
    assert Spec.given(approved(), revise(OTHER)).when(approve).then(Campaign.Approved)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (later(seconds=-1).now, "schedule_in_past"),
        (later(days=732).now, "schedule_too_far"),
        (NOW.replace(tzinfo=None), "no_zone"),
    ],
)
def test_a_time_that_cannot_be_is_refused(at: Any, code: str) -> None:
    scheduled = replace(content(), schedule_at=at)
    graph = workflow_graph(content())
    Spec.given(drafted()).when(lambda c: c.revise(scheduled, graph, META)).then_refused(code)


def test_words_can_be_changed_though_the_old_time_has_passed() -> None:
    old = content(schedule_at=later(hours=1).now)
    new = replace(old, emails=OTHER.emails)
    spec = Spec.given(drafted(old))
    spec.when(lambda c: c.revise(new, workflow_graph(new), later(hours=2))).then(Campaign.Revised)


@pytest.mark.parametrize("status", STATUSES)
def test_pausing(status: str) -> None:
    spec = Spec.given(in_status(status)).when(lambda c: c.pause(META, "provider_refused", "412"))
    if status in ("approved", "scheduled", "sending"):
        assert spec.then(Campaign.Paused).status == "paused"
    elif status == "paused":
        spec.then()
    else:
        spec.then_refused("not_running")


@pytest.mark.parametrize("status", STATUSES)
def test_only_a_paused_campaign_resumes(status: str) -> None:
    spec = Spec.given(in_status(status)).when(lambda c: c.resume(META))
    if status == "paused":
        assert spec.then(Campaign.Resumed).status == "sending"
    else:
        spec.then_refused("not_paused")


@pytest.mark.parametrize("status", ["approved", "scheduled", "sending"])
def test_a_pause_returns_to_where_it_was(status: str) -> None:
    spec = Spec.given(in_status(status), lambda c: c.pause(META)).when(lambda c: c.resume(META))
    assert spec.then(Campaign.Resumed).status == status


@pytest.mark.parametrize("status", STATUSES)
def test_cancelling(status: str) -> None:
    spec = Spec.given(in_status(status)).when(lambda c: c.cancel(META))
    if status in ("sent", "rejected"):
        spec.then_refused("not_cancellable")
    else:
        recorded = [] if status == "cancelled" else [Campaign.Cancelled]
        assert spec.then(*recorded).status == "cancelled"


@pytest.mark.parametrize("status", STATUSES)
def test_only_a_draft_is_rejected(status: str) -> None:
    spec = Spec.given(in_status(status)).when(lambda c: c.reject("too pushy", META))
    if status == "draft":
        assert spec.then(Campaign.Rejected).status == "rejected"
    else:
        spec.then_refused("not_rejectable")


@pytest.mark.parametrize("status", STATUSES)
def test_sending_starts_once_and_only_with_an_approval(status: str) -> None:
    spec = Spec.given(in_status(status)).when(lambda c: c.start_sending(1, META))
    if status in ("approved", "scheduled"):
        assert spec.then(Campaign.SendingStarted).status == "sending"
    elif status == "sending":
        spec.then()
    else:
        spec.then_refused("not_running")


@pytest.mark.parametrize("status", STATUSES)
def test_a_campaign_is_sent_only_after_it_started(status: str) -> None:
    spec = Spec.given(in_status(status)).when(lambda c: c.complete(5, META))
    if status in ("sending", "paused"):
        assert spec.then(Campaign.Sent).status == "sent"
    elif status == "sent":
        spec.then()
    else:
        spec.then_refused("not_running")


def test_a_test_is_one_of_its_mails() -> None:
    def request(step: int) -> Act:
        return lambda c: c.request_test(
            RequestTest(uuid4(), uuid4(), "ada@example.com", step), META
        )

    Spec.given(drafted()).when(request(1)).then(Campaign.TestSendRequested)
    Spec.given(drafted()).when(request(2)).then_refused("no_such_step")
    Spec.given(drafted()).when(request(0)).then_refused("no_such_step")
    nobody = drafted(content(sender=Sender()))
    Spec.given(nobody).when(request(1)).then_refused("sender_incomplete")


@pytest.mark.parametrize(
    ("story", "may"),
    [
        ([], False),
        (["Approved"], True),
        (["Approved", "Paused"], False),
        (["Approved", "Paused", "Resumed"], True),
        (["Approved", "Cancelled"], False),
        (["Rejected"], False),
        (["Approved", "Revised"], False),
        (["Approved", "Revised", "Approved"], False),  # of this the run has not heard yet
        (["Approved", "Paused", "Sent"], True),  # released since
    ],
)
def test_what_may_be_sent_follows_from_the_campaigns_own_events(
    story: list[str], may: bool
) -> None:
    events = [(f"Campaign{kind}", at) for at, kind in enumerate(story, start=5)]
    assert {kind for kind, _ in events} <= GO | STOP
    assert may_send(events, approved=5) is may


def test_an_approval_covers_what_was_revised_before_it() -> None:
    events = [("CampaignApproved", 5), ("CampaignRevised", 6), ("CampaignApproved", 7)]
    assert may_send(events, approved=7)

"""Drafting, changing and approving with the business and the workflow around the campaign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.campaign import handlers
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign, RequestTest
from domain.campaign.decisions import workflow_graph
from domain.campaign.preparation import LARGEST_CONTENT
from domain.campaign.values import Content, Sender, email
from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.organization.commands import Profile
from domain.shared.errors import InvalidValueError, NotFoundError, RuleViolatedError
from domain.workflow.aggregate import Workflow
from tests.support.fake_transaction import FakeTransaction
from tests.unit.domain.made import META, content, later

PROFILE = Profile(
    name="Crumb",
    timezone="Europe/London",
    sender_name="Ada",
    sender_email="ada@crumb.example",
    postal_address="1 Mill Lane\nYork",
)
NAMELESS = replace(PROFILE, sender_name="", postal_address="")


def world(profile: Profile = PROFILE) -> tuple[FakeTransaction, Business]:
    business = Business.add(uuid4(), profile, META)
    organization = Organization.create("Crumb", META)
    return FakeTransaction(META.organization_id, business, organization), business


def draft(tx: FakeTransaction, business: Business, of: Content | None = None) -> Campaign:
    shown = of or content()
    command = DraftCampaign(uuid4(), business.id, "win_back", uuid4(), shown, workflow_graph(shown))
    return handlers.draft_campaign(tx, command, META)


def drafted(profile: Profile = PROFILE) -> tuple[FakeTransaction, Business, Campaign]:
    tx, business = world(profile)
    campaign = draft(tx, business)
    tx.types()
    return tx, business, campaign


def approved() -> tuple[FakeTransaction, Campaign]:
    tx, _, campaign = drafted()
    assert yes(tx, campaign) == "approved"
    tx.types()
    return tx, campaign


def yes(
    tx: FakeTransaction, campaign: Campaign, actor: str = "user:ada", recipients: int = 10
) -> handlers.Approval:
    """Somebody's yes to the campaign as it is, which would go to so many."""
    meta = replace(META, actor=actor)
    return handlers.approve(tx, campaign, campaign.content_hash, lambda: recipients, meta)


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises((RuleViolatedError, InvalidValueError)) as refused:
        act()
    return refused.value.code


def test_a_draft_has_the_businesss_sender_and_its_workflow() -> None:
    tx, business = world()
    campaign = draft(tx, business, content(sender=Sender("Somebody", "else@example.com", "x")))
    assert tx.types() == ["CampaignDrafted", "WorkflowGenerated"]
    assert campaign.content.sender == Sender("Ada", "ada@crumb.example", "1 Mill Lane, York")
    assert tx.load(Workflow, campaign.workflow_id).campaign_id == campaign.id


def test_a_draft_needs_a_business_of_the_organization() -> None:
    tx, _ = world()
    with pytest.raises(NotFoundError):
        draft(tx, Business.add(uuid4(), PROFILE, META))
    assert tx.types() == []


def test_html_that_was_brought_gets_footer_and_postal_address_once() -> None:
    tx, business = world()
    campaign = draft(tx, business)
    first = campaign.content.emails[0]
    assert "unsubscribe_url" in first.html
    assert "1 Mill Lane, York" in first.html
    assert "1 Mill Lane, York" in first.text
    assert not handlers.revise_campaign(tx, campaign, campaign.content, META)
    assert campaign.content.emails[0] == first


def test_a_draft_without_postal_address_gets_it_later() -> None:
    tx, business, campaign = drafted(NAMELESS)
    assert "Mill Lane" not in campaign.content.emails[0].html
    business.revise(PROFILE, META)
    tx.save(business)
    handlers.revise_campaign(tx, campaign, campaign.content, META)
    assert campaign.content.emails[0].html.count("1 Mill Lane, York") == 1


def test_an_address_written_over_several_lines_is_recognised() -> None:
    html = "<p>Hi</p><p>1 Mill Lane<br>York <a href='{{ unsubscribe_url }}'>stop</a></p>"
    tx, business = world()
    shown = content()
    of = replace(shown, emails=(email(1, "Hi there", html),))
    assert draft(tx, business, of).content.emails[0].html == html


@pytest.mark.parametrize(
    ("part", "template"),
    [
        ("subject", "Hi {{ first_name"),
        ("html", "<p>{% for %}</p>"),
        ("text", "{% include 'x' %}"),
        ("preheader", "{{ 'now' | date: '%Y' }}"),
    ],
)
def test_a_template_that_cannot_work_is_refused_by_field(part: str, template: str) -> None:
    tx, business = world()
    given: dict[str, Any] = {part: template}
    of = replace(content(), emails=(replace(email(1, "Hi", "<p>Hi</p>"), **given),))
    with pytest.raises(InvalidValueError) as refused:
        draft(tx, business, of)
    assert (refused.value.field, refused.value.code) == (f"emails.0.{part}", "template_invalid")
    assert tx.types() == []


def test_content_that_no_event_holds_is_refused() -> None:
    tx, business = world()
    of = replace(content(), emails=(email(1, "Hi", "x" * LARGEST_CONTENT),))
    assert refusal(lambda: draft(tx, business, of)) == "too_large"


def test_other_delays_make_a_later_graph_and_other_words_do_not() -> None:
    tx, _, campaign = drafted()
    assert handlers.revise_campaign(tx, campaign, content(subject="Come back"), META)
    assert tx.types() == ["CampaignRevised"]
    assert handlers.revise_campaign(tx, campaign, content(emails=2), META)
    assert tx.types() == ["CampaignRevised", "WorkflowGenerated"]
    assert tx.load(Workflow, campaign.workflow_id).graph_version == 2
    in_a_day = content(emails=2, schedule_at=later(days=1).now)
    assert handlers.revise_campaign(tx, campaign, in_a_day, META)
    assert tx.types() == ["CampaignRevised", "WorkflowGenerated"]


def test_the_same_content_again_stays_quiet_and_approved() -> None:
    tx, campaign = approved()
    assert not handlers.revise_campaign(tx, campaign, campaign.content, META)
    assert tx.types() == []
    assert campaign.status == "approved"


def test_nothing_is_approved_while_the_sender_is_incomplete() -> None:
    tx, _, campaign = drafted(NAMELESS)
    assert refusal(lambda: yes(tx, campaign)) == "sender_incomplete"
    assert tx.types() == []


def test_a_sender_completed_since_is_shown_before_it_is_approved() -> None:
    tx, business, campaign = drafted(NAMELESS)
    business.revise(PROFILE, META)
    tx.save(business)
    tx.types()
    seen = campaign.content_hash
    assert yes(tx, campaign) == "shown_anew"
    assert tx.types() == ["CampaignRevised"]
    assert campaign.status == "draft"
    assert "1 Mill Lane, York" in campaign.content.emails[0].html
    late = lambda: handlers.approve(tx, campaign, seen, lambda: 10, META)  # noqa: E731
    assert refusal(late) == "content_changed"
    assert yes(tx, campaign) == "approved"
    assert tx.types() == ["CampaignApproved"]


def test_a_sender_taken_away_since_stops_the_approval() -> None:
    tx, business, campaign = drafted()
    business.revise(NAMELESS, META)
    tx.save(business)
    assert refusal(lambda: yes(tx, campaign)) == "sender_incomplete"


def test_a_person_holds_and_stops_a_campaign() -> None:
    tx, campaign = approved()
    handlers.pause(tx, campaign, META)
    handlers.pause(tx, campaign, META)
    handlers.resume(tx, campaign, META)
    handlers.cancel(tx, campaign, META)
    assert tx.types() == ["CampaignPaused", "CampaignResumed", "CampaignCancelled"]
    assert refusal(lambda: handlers.reject(tx, campaign, "", META)) == "not_rejectable"


@pytest.mark.parametrize(
    ("mailbox", "code"),
    [
        (handlers.Mailbox("unsubscribed", 1), "address_suppressed"),
        (handlers.Mailbox(None, 21), "test_limit"),
    ],
)
def test_tests_have_their_limits(mailbox: handlers.Mailbox, code: str) -> None:
    tx, _, campaign = drafted()
    wanted = RequestTest(uuid4(), uuid4(), "me@example.com")
    assert refusal(lambda: handlers.request_test(tx, campaign, wanted, mailbox, META)) == code
    handlers.request_test(tx, campaign, wanted, handlers.Mailbox(None, 20), META)
    assert tx.types() == ["TestSendRequested"]


def test_a_step_is_called_once_the_run_began() -> None:
    tx, campaign = approved()
    with pytest.raises(handlers.RunStartingError):
        handlers.call_step(tx, campaign, 1, META)
    workflow = tx.load(Workflow, campaign.workflow_id)
    workflow.start_run(7, META)
    tx.save(workflow)
    tx.types()
    assert handlers.call_step(tx, campaign, 1, META)
    assert not handlers.call_step(tx, campaign, 1, later(hours=1))
    assert tx.types() == ["StepScheduled"]


def test_a_step_of_a_draft_or_none_at_all_is_not_called() -> None:
    tx, _, campaign = drafted()
    assert refusal(lambda: handlers.call_step(tx, campaign, 1, META)) == "not_approved"
    with pytest.raises(NotFoundError):
        handlers.call_step(tx, campaign, 2, META)


def test_delays_are_kept() -> None:
    tx, business = world()
    campaign = draft(tx, business, content(emails=3))
    assert campaign.content.delays == (timedelta(), timedelta(days=3), timedelta(days=3))

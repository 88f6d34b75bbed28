"""A yes counts only for what was shown last; no, stop and tests do what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.campaign.values import Sender
from streams.steps.dialogue.plan import Approve, Change, Revise, SendTest
from streams.steps.dialogue.situation import Findings
from tests.unit.dialogue.scenes import (
    BAKERY,
    STRANGER,
    heard,
    reference,
    reply,
    seen,
    showing,
)

YES = heard("approve_campaign")


def test_a_yes_approves_exactly_the_hash_shown_last() -> None:
    target = seen()
    plan = reply(YES, showing(target), "yes, send it")
    assert plan.commands == (Approve(target.campaign_id, target.content_hash),)
    assert "Approved" in plan.content


def test_a_yes_says_when_it_goes_out() -> None:
    target = seen()
    at = replace(target.content, schedule_at=showing(target).now + timedelta(days=1))
    plan = reply(YES, showing(seen(at)))
    assert "Saturday, 21 November 2026 at 10:00 (Europe/Vienna)" in plan.content


def test_what_changed_since_it_was_shown_is_shown_again() -> None:
    target = seen()
    plan = reply(YES, replace(showing(target), shown_hash="0" * 64))
    assert not plan.commands
    assert "changed since I showed it" in plan.content
    assert plan.shows == target.campaign_id


def test_a_yes_after_something_newer_is_asked_about() -> None:
    plan = reply(YES, replace(showing(seen()), clear_yes=False))
    assert not plan.commands
    assert "nothing is sent yet" in plan.content


def test_a_yes_to_a_campaign_that_was_named_but_not_shown_shows_it_first() -> None:
    target = seen()
    plan = reply(YES, replace(showing(target), shown_id=uuid4()))
    assert not plan.commands
    assert plan.shows == target.campaign_id


def test_a_yes_from_somebody_who_may_not_approve_sends_nothing() -> None:
    plan = reply(YES, replace(showing(seen()), may=frozenset({"campaigns:read"})))
    assert not plan.commands
    assert "may approve" in plan.content


def test_a_yes_to_many_people_is_kept_until_somebody_else_agrees() -> None:
    target = seen()
    many = replace(showing(target), second_approver_above=100)
    plan = reply(YES, many, findings=Findings(recipients=101))
    assert plan.commands == (Approve(target.campaign_id, target.content_hash, first_of_two=True),)
    assert "101 people" in plan.content
    assert "Nothing is sent yet" in plan.content


def test_the_second_yes_and_one_to_few_people_send_it() -> None:
    target = seen()
    command = (Approve(target.campaign_id, target.content_hash),)
    few = replace(showing(target), second_approver_above=100)
    assert reply(YES, few, findings=Findings(recipients=100)).commands == command
    agreed = replace(few, target=replace(target, first_approved=True))
    assert reply(YES, agreed, findings=Findings(recipients=101)).commands == command


def test_going_on_needs_somebody_who_may_send() -> None:
    paused = showing(seen(status="paused"))
    plan = reply(heard("resume_campaign"), replace(paused, may=frozenset({"campaigns:read"})))
    assert not plan.commands
    assert "may send" in plan.content


def test_a_yes_with_nothing_there_asks_what_to_say() -> None:
    plan = reply(YES)
    assert not plan.commands
    assert "no campaign yet" in plan.content


@pytest.mark.parametrize("status", ["approved", "scheduled", "sending", "sent", "cancelled"])
def test_a_second_yes_changes_nothing(status: str) -> None:
    plan = reply(YES, showing(seen(status=status)))
    assert not plan.commands
    assert status in plan.content


def test_a_time_that_passed_is_not_approved() -> None:
    target = seen()
    past = replace(target.content, schedule_at=showing(target).now - timedelta(minutes=1))
    plan = reply(YES, showing(seen(past)))
    assert not plan.commands
    assert "has passed" in plan.content


def test_a_draft_without_a_sender_gets_it_and_is_shown_again() -> None:
    target = seen()
    bare = seen(replace(target.content, sender=Sender()))
    plan = reply(YES, showing(bare))
    assert isinstance(plan.commands[0], Revise)
    assert plan.commands[0].content.sender.email == BAKERY.sender_email
    nobody = replace(showing(bare), business=replace(BAKERY, sender_email=""))
    assert not reply(YES, nobody).commands


@pytest.mark.parametrize(
    ("intent", "status", "what"),
    [
        ("reject_campaign", "draft", "reject"),
        ("cancel_campaign", "draft", "reject"),
        ("cancel_campaign", "scheduled", "cancel"),
        ("pause_campaign", "sending", "pause"),
        ("resume_campaign", "paused", "resume"),
    ],
)
def test_stop_and_go_on_do_what_they_say(intent: str, status: str, what: str) -> None:
    target = seen(status=status)
    plan = reply(heard(intent), showing(target))
    assert plan.commands == (Change(target.campaign_id, what),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("intent", "status"),
    [
        ("reject_campaign", "sending"),
        ("pause_campaign", "draft"),
        ("pause_campaign", "paused"),
        ("resume_campaign", "sending"),
        ("cancel_campaign", "sent"),
    ],
)
def test_what_does_not_fit_is_explained(intent: str, status: str) -> None:
    plan = reply(heard(intent), showing(seen(status=status)))
    assert not plan.commands
    assert status in plan.content


def test_a_test_goes_to_the_address_that_was_typed() -> None:
    target = seen()
    people = {str(STRANGER.reference): STRANGER}
    said = f"send a test to {reference(STRANGER.reference)}"
    plan = reply(heard("send_test"), showing(target, people=people), said)
    assert plan.commands == (SendTest(target.campaign_id, STRANGER.reference),)
    assert reference(STRANGER.reference) in plan.content
    assert plan.shows == target.campaign_id


def test_a_test_without_an_address_asks_where_to() -> None:
    plan = reply(heard("send_test"), showing(seen()), "send me a test")
    assert not plan.commands
    assert "Where to?" in plan.content
    assert plan.shows is None


def test_a_suppressed_address_and_the_twenty_first_test_get_none() -> None:
    silent = replace(STRANGER, suppression="complained")
    said = reference(STRANGER.reference)
    people = {str(STRANGER.reference): silent}
    assert not reply(heard("send_test"), showing(seen(), people=people), said).commands
    people = {str(STRANGER.reference): STRANGER}
    used_up = replace(showing(seen(), people=people), tests_left=0)
    plan = reply(heard("send_test"), used_up, said)
    assert not plan.commands
    assert "20 test mails" in plan.content

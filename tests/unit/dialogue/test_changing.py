"""A campaign is changed by what is said, and every change needs a new yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from streams.steps.dialogue.plan import Revise
from tests.unit.dialogue.scenes import SITUATION, heard, reply, seen, showing

TOMORROW = "2026-11-21T09:00:00+01:00"


def test_a_friendlier_tone_writes_the_words_again_and_shows_them() -> None:
    target = seen()
    plan = reply(heard("modify_campaign", tone="formal"), showing(target), "make it more formal")
    (revise,) = plan.commands
    assert isinstance(revise, Revise)
    assert revise.content.emails != target.content.emails
    assert revise.content.conditions == target.content.conditions
    assert plan.shows == target.campaign_id
    assert "I changed" in plan.content


def test_tones_add_up_over_turns() -> None:
    target = seen()
    first = reply(heard("modify_campaign", tone="formal"), showing(target), "more formal")
    assert isinstance(first.commands[0], Revise)
    again = seen(first.commands[0].content)
    second = reply(heard("modify_campaign"), showing(again), "and shorter please")
    assert isinstance(second.commands[0], Revise)
    assert second.commands[0].content.intent is not None
    assert second.commands[0].content.intent["adjustments"] == ["formal", "shorter"]
    assert len(second.commands[0].content.emails[0].text) < len(again.content.emails[0].text)


def test_another_subject_is_used_as_it_was_dictated() -> None:
    target = seen()
    plan = reply(heard("modify_campaign", subject="Come home"), showing(target), "subject")
    assert isinstance(plan.commands[0], Revise)
    assert plan.commands[0].content.emails[0].subject == "Come home"
    assert "the subject" in plan.content


def test_another_offer_is_in_the_words() -> None:
    offer = {"kind": "percent", "value": 15, "text": "15%"}
    plan = reply(heard("modify_campaign", offer=offer), showing(seen()), "make it 15%")
    assert isinstance(plan.commands[0], Revise)
    assert "15% off" in plan.commands[0].content.emails[0].text
    assert "20%" not in plan.commands[0].content.emails[0].text


def test_an_audience_is_narrowed_and_widened() -> None:
    only_vips = heard("modify_campaign", audience={"tags": ["vip"], "segment": "people tagged vip"})
    narrowed = reply(only_vips, showing(seen()), "only people tagged vip")
    assert isinstance(narrowed.commands[0], Revise)
    assert narrowed.commands[0].content.conditions == {
        "all": [{"field": "tags", "op": "contains", "value": "vip"}]
    }
    widened = reply(heard("modify_campaign"), showing(seen()), "send it to everyone instead")
    assert isinstance(widened.commands[0], Revise)
    assert widened.commands[0].content.conditions == {"all": []}


def test_words_written_by_hand_are_left_to_their_author() -> None:
    target = seen()
    first, *rest = target.content.emails
    edited = replace(target.content, emails=(replace(first, html="<p>By hand</p>"), *rest))
    plan = reply(heard("modify_campaign", tone="formal"), showing(seen(edited)), "more formal")
    assert not plan.commands
    assert "written by hand" in plan.content


def test_nothing_changed_is_no_change() -> None:
    plan = reply(heard("modify_campaign"), showing(seen()), "make it better")
    assert not plan.commands
    assert "not sure what to change" in plan.content


@pytest.mark.parametrize("status", ["sending", "paused", "sent", "cancelled", "rejected"])
def test_what_is_on_its_way_or_over_cannot_be_changed(status: str) -> None:
    situation = showing(seen(status=status))
    for intent in ("modify_campaign", "schedule_campaign"):
        plan = reply(heard(intent, schedule={"at": TOMORROW}), situation, "tomorrow")
        assert not plan.commands
        assert status in plan.content


def test_another_time_is_said_with_date_time_and_zone_and_needs_a_yes() -> None:
    target = seen()
    plan = reply(heard("schedule_campaign", schedule={"at": TOMORROW}), showing(target))
    assert isinstance(plan.commands[0], Revise)
    assert plan.commands[0].content.schedule_at is not None
    assert "Set for Saturday, 21 November 2026 at 09:00 (Europe/Vienna)" in plan.content
    assert "once you approve it" in plan.content
    assert plan.shows == target.campaign_id


def test_a_day_is_not_enough_and_the_past_is_too_late() -> None:
    vague = reply(heard("schedule_campaign", schedule={"relative": "friday"}), showing(seen()))
    assert not vague.commands
    assert "At what time friday?" in vague.content
    past = (SITUATION.now - timedelta(minutes=1)).isoformat()
    late = reply(heard("schedule_campaign", schedule={"at": past}), showing(seen()))
    assert not late.commands

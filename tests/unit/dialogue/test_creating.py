"""A sentence becomes a draft with an audience, a time and a description, or one question."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from streams.steps.dialogue.phrases import left_out, moment
from streams.steps.dialogue.plan import AssignRole
from streams.steps.dialogue.situation import Findings, Overlap, Pending
from tests.unit.dialogue.scenes import (
    BAKERY,
    FINDINGS,
    SITUATION,
    WIN_BACK,
    drafted,
    heard,
    reply,
    thought,
)

UNKNOWING = replace(
    SITUATION, last_purchase_attribute=None, attributes=("city", "last_order_date", "points")
)


def test_a_win_back_goes_to_those_who_have_not_bought_for_so_long() -> None:
    plan = reply(heard("create_campaign", "win_back", **WIN_BACK))
    draft = drafted(plan)
    assert draft.content.conditions == {
        "all": [{"field": "attributes.last_order_date", "op": "before_days", "value": 60}]
    }
    assert draft.campaign_type == "win_back"
    assert plan.shows == draft.campaign_id
    assert "1,163 people" in plan.content
    assert "139 have not agreed to e-mails, 1 unsubscribed" in plan.content
    assert "20% off" in draft.content.emails[0].subject
    assert draft.content.sender.email == BAKERY.sender_email


def test_the_figures_asked_for_are_those_of_the_audience_itself() -> None:
    needs = thought(heard("create_campaign", "win_back", **WIN_BACK)).needs
    assert needs.conditions == {
        "all": [{"field": "attributes.last_order_date", "op": "before_days", "value": 60}]
    }
    assert needs.never_bought == "last_order_date"


def test_those_who_never_bought_are_left_out_and_counted() -> None:
    findings = replace(FINDINGS, without_value=209)
    plan = reply(heard("create_campaign", "win_back", **WIN_BACK), findings=findings)
    assert "209 people with no last_order_date count as never having bought" in plan.content


@pytest.mark.parametrize(
    ("campaign_type", "slots", "conditions"),
    [
        ("announce", {}, []),
        ("promotional", {"audience": {"segment": "our customers"}}, []),
        ("promotional", {"audience": {"tags": ["VIP"]}},
         [{"field": "tags", "op": "contains", "value": "vip"}]),
        ("promotional", {"audience": {"segment": "vip customers"}},
         [{"field": "tags", "op": "contains", "value": "vip"}]),
        ("welcome", {}, [{"field": "created_at", "op": "after_days", "value": 30}]),
        ("announce", {"audience": {"segment": "new subscribers"}},
         [{"field": "created_at", "op": "after_days", "value": 30}]),
        ("win_back", {},
         [{"field": "attributes.last_order_date", "op": "before_days", "value": 60}]),
        ("win_back", {"audience": {"tags": ["vip"], "inactive_days": 90}},
         [{"field": "attributes.last_order_date", "op": "before_days", "value": 90},
          {"field": "tags", "op": "contains", "value": "vip"}]),
    ],
)  # fmt: skip
def test_words_about_an_audience_become_conditions(
    campaign_type: str, slots: dict[str, Any], conditions: list[Any]
) -> None:
    draft = drafted(reply(heard("create_campaign", campaign_type, **slots)))
    assert draft.content.conditions == {"all": conditions}


def test_an_unknown_group_is_asked_for_and_nothing_is_drafted() -> None:
    asked = heard("create_campaign", "promotional", audience={"segment": "marathon runners"})
    plan = reply(asked)
    assert not plan.commands
    assert "Who are “marathon runners”?" in plan.content
    assert "“vip” (40)" in plan.content


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("vip", [{"field": "tags", "op": "contains", "value": "vip"}]),
        ("send it to everyone", []),
    ],
)
def test_the_answer_to_who_goes_on_with_what_was_asked(text: str, conditions: list[Any]) -> None:
    slots = {"audience": {"segment": "marathon runners"}, "product": "rye bread"}
    situation = replace(SITUATION, pending=Pending("create_campaign", "announce", slots))
    plan = reply(heard("clarify"), situation, text)
    draft = drafted(plan)
    assert draft.content.conditions == {"all": conditions}
    assert plan.understood is not None
    assert plan.understood.intent == "create_campaign"
    assert "rye bread" in draft.content.emails[0].text


def test_without_a_column_of_last_purchases_it_asks_once_and_names_the_columns() -> None:
    plan = reply(heard("create_campaign", "win_back", **WIN_BACK), UNKNOWING)
    assert not plan.commands
    assert "“last_order_date”, “city”, “points”" in plan.content


def test_the_column_is_remembered_and_the_campaign_is_drafted() -> None:
    situation = replace(UNKNOWING, pending=Pending("create_campaign", "win_back", WIN_BACK))
    plan = reply(heard("clarify"), situation, "it is the last order date")
    assert plan.commands[0] == AssignRole("last_purchase_at", "last_order_date")
    assert drafted(plan).content.conditions["all"][0]["field"] == "attributes.last_order_date"
    assert plan.content.startswith("Thank you, I will remember “last_order_date”.")


def test_another_wish_instead_of_the_answer_is_followed() -> None:
    situation = replace(UNKNOWING, pending=Pending("create_campaign", "win_back", WIN_BACK))
    plan = reply(heard("create_campaign", "announce", product="rye bread"), situation, "announce")
    assert drafted(plan).campaign_type == "announce"


def test_a_drip_has_waits_and_the_reply_says_them() -> None:
    asked = heard("create_campaign", "welcome", count_of_emails=3, delay="2 days")
    plan = reply(asked)
    assert drafted(plan).content.delays == (timedelta(), timedelta(days=2), timedelta(days=2))
    assert "3 e-mails, 2 days apart" in plan.content


def test_more_e_mails_than_a_campaign_has_are_not_promised() -> None:
    plan = reply(heard("create_campaign", "nurture", count_of_emails=9))
    assert len(drafted(plan).content.emails) == 5
    assert "at most 5" in plan.content


def test_a_moment_is_said_with_date_time_and_zone() -> None:
    at = "2026-11-27T09:00:00+01:00"
    plan = reply(heard("create_campaign", "announce", schedule={"at": at}))
    assert drafted(plan).content.schedule_at == datetime.fromisoformat(at)
    assert "Friday, 27 November 2026 at 09:00 (Europe/Vienna)" in plan.content


def test_a_day_without_a_time_is_asked_for() -> None:
    plan = reply(heard("create_campaign", "announce", schedule={"relative": "tomorrow"}))
    assert drafted(plan).content.schedule_at is None
    assert "At what time tomorrow?" in plan.content


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ({"schedule": {"recurrence": "every monday"}}, "cannot repeat it every monday"),
        ({"trigger": "joins the studio"}, "cannot start it by an event yet"),
    ],
)
def test_what_cannot_be_done_yet_is_said(slots: dict[str, Any], said: str) -> None:
    assert said in reply(heard("create_campaign", "newsletter", **slots)).content


def test_a_past_moment_is_refused_in_words() -> None:
    at = (SITUATION.now - timedelta(hours=1)).isoformat()
    plan = reply(heard("create_campaign", "announce", schedule={"at": at}))
    assert not plan.commands
    assert "past" in plan.content


@pytest.mark.parametrize(("lately", "warned"), [(700, True), (600, False)])
def test_an_overlap_of_more_than_half_is_warned_about(lately: int, warned: bool) -> None:
    findings = Findings(recipients=1300, overlaps=(Overlap("News", lately),))
    plan = reply(heard("create_campaign", "announce"), findings=findings)
    assert ("had “News” within the last 24 hours" in plan.content) is warned


def test_nobody_matching_is_said_plainly() -> None:
    plan = reply(heard("create_campaign", "announce"), findings=Findings())
    assert "nobody yet" in plan.content


def test_a_missing_sender_is_said_before_anybody_approves() -> None:
    situation = replace(SITUATION, business=replace(BAKERY, postal_address=""))
    plan = reply(heard("create_campaign", "announce"), situation)
    assert "needs a sender name, a sender address and a postal address" in plan.content


def test_phrases_read_like_a_person() -> None:
    assert left_out({"no_consent": 1, "unsubscribed": 3}) == (
        "3 unsubscribed, 1 has not agreed to e-mails"
    )
    assert moment(SITUATION.now, "Asia/Tokyo") == ("Friday, 20 November 2026 at 18:00 (Asia/Tokyo)")

"""Content, delays and the content hash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.campaign.decisions import workflow_graph
from domain.campaign.hashing import content_hash
from domain.campaign.values import Content, Sender, checked_content, duration, email
from domain.shared.errors import InvalidValueError
from domain.workflow.graph import Wait
from tests.unit.domain.made import content, later


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("3 days", timedelta(days=3)),
        ("1 day", timedelta(days=1)),
        ("2 hours", timedelta(hours=2)),
        (" 1 Week ", timedelta(weeks=1)),
        ("90 minutes", timedelta(minutes=90)),
        ("45 secs", timedelta(seconds=45)),
        ("5h", timedelta(hours=5)),
        ("PT72H", timedelta(hours=72)),
        ("P1DT12H", timedelta(hours=36)),
        ("P2W", timedelta(weeks=2)),
        ("PT0S", timedelta()),
        (3600, timedelta(hours=1)),
        (0, timedelta()),
    ],
)
def test_a_length_of_time_is_understood(said: object, meant: timedelta) -> None:
    assert duration(said) == meant


@pytest.mark.parametrize(
    "said",
    ["", "soon", "3", "-3 days", "3 months", "P1M", "P", "PT", "P1DT", "366 days", -1, 1.5, True,
     None, "9999999999 days", "3 days\x00"],
)  # fmt: skip
def test_what_is_no_length_of_time_is_refused(said: object) -> None:
    with pytest.raises(InvalidValueError) as refused:
        duration(said, "emails.1.delay")
    assert (refused.value.field, refused.value.code) == ("emails.1.delay", "invalid_delay")


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"subject": ""}, "emails.0.subject", "missing"),
        ({"subject": "a\nb"}, "emails.0.subject", "control_characters"),
        ({"subject": "a" * 999}, "emails.0.subject", "too_long"),
        ({"html": " "}, "emails.0.html", "missing"),
        ({"html": "<p>\x00"}, "emails.0.html", "control_characters"),
        ({"preheader": "a\r\nb"}, "emails.0.preheader", "control_characters"),
        ({"delay": timedelta(days=-1)}, "emails.0.delay", "invalid_delay"),
        ({"delay": timedelta(days=366)}, "emails.0.delay", "invalid_delay"),
    ],
)
def test_a_mail_that_cannot_be_sent_is_refused(
    changes: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(InvalidValueError) as refused:
        email(**{"step": 1, "subject": "Hi", "html": "<p>Hi</p>", **changes})
    assert (refused.value.field, refused.value.code) == (field, code)


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"emails": ()}, "emails", "email_count"),
        ({"emails": content(emails=2).emails * 3}, "emails", "email_count"),
        ({"emails": content(emails=2).emails[1:]}, "emails", "steps"),
        ({"emails": (email(1, "a", "b", delay=timedelta(1)),)}, "emails.0.delay", "first_delay"),
        ({"name": ""}, "name", "missing"),
        ({"name": "a\nb"}, "name", "control_characters"),
        ({"orchestrator": "magic"}, "orchestrator", "invalid_orchestrator"),
        ({"timezone": ""}, "timezone", "missing"),
        ({"timezone": "Nowhere/Land"}, "timezone", "invalid_timezone"),
        ({"sender": Sender("a\r\nBcc: b")}, "sender.name", "control_characters"),
        ({"conditions": {"all": "\x00"}}, "audience.conditions", "control_characters"),
        ({"conditions": {"all": float("nan")}}, "audience.conditions", "not_json"),
        ({"conditions": {"all": "x" * 100_001}}, "audience.conditions", "too_long"),
        ({"audience_description": "x" * 2001}, "audience.description", "too_long"),
    ],
)
def test_content_that_cannot_be_is_refused(changed: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        checked_content(replace(content(), **changed))
    assert (refused.value.field, refused.value.code) == (field, code)


def test_content_survives_the_way_through_an_event() -> None:
    full = content(emails=5, intent={"name": "create_campaign"}, schedule_at=later(days=1).now)
    assert Content.from_fields(full.to_fields()) == full


def hash_of(of: Content, version: int = 1) -> str:
    return content_hash(of, workflow_graph(of, version))


@pytest.mark.parametrize(
    "changed",
    [
        {"emails": content(subject="Other").emails},
        {"emails": content(emails=2).emails},
        {"sender": Sender("Crumb", "other@crumb.example", "1 Mill Lane, York")},
        {"conditions": {"all": []}},
        {"schedule_at": later(days=1).now},
        {"timezone": "Europe/Berlin"},
        {"recurrence": "every Monday"},
        {"orchestrator": "external"},
    ],
)
def test_whatever_a_person_would_receive_is_in_the_hash(changed: dict[str, Any]) -> None:
    assert hash_of(replace(content(), **changed)) != hash_of(content())


def test_what_nobody_receives_is_not_in_the_hash() -> None:
    assert hash_of(replace(content(), name="Other", intent={"a": 1})) == hash_of(content())
    assert hash_of(content(), version=7) == hash_of(content())


def test_the_hash_is_the_same_on_every_machine() -> None:
    plain = replace(content(), conditions={"b": 1, "a": "ä"})
    assert hash_of(plain) == hash_of(replace(content(), conditions={"a": "ä", "b": 1}))
    assert len(hash_of(plain)) == 64


def test_the_graph_has_a_wait_before_every_later_mail() -> None:
    waits = [n.duration for n in workflow_graph(content(emails=3)).nodes if isinstance(n, Wait)]
    assert waits == [timedelta(days=3)] * 2

"""What is said does no more than whoever says it may do."""

from __future__ import annotations

from typing import Any

import pytest

from domain.access.permissions import PERMISSIONS, ROLES
from tests.support.talking import Talk


@pytest.fixture
def drafted(talk: Talk) -> dict[str, Any]:
    """A turn that drafted a campaign to two contacts."""
    talk.api.contact("ada@x.test")
    talk.api.contact("ben@x.test")
    return talk.ask("announce our new rye bread to everyone")


def test_a_yes_of_somebody_who_may_not_approve_sends_nothing(
    talk: Talk, drafted: dict[str, Any]
) -> None:
    marketer = talk.api.key(*ROLES["marketer"])

    said = talk.ask("yes, send it", key=marketer)

    assert "may approve" in said["reply"]["content"]
    assert talk.campaign(drafted)["status"] == "draft"


def test_a_yes_of_an_approver_approves_in_their_name(talk: Talk, drafted: dict[str, Any]) -> None:
    talk.ask("yes, send it", key=talk.api.key(*ROLES["approver"]))

    approved = talk.campaign(drafted)
    own = talk.api.get("/v1/events?type=OrganizationCreated").json()["items"][0]["actor"]
    assert approved["status"] == "approved"
    assert approved["approved_by"].startswith("key:")
    assert approved["approved_by"] != own


def test_what_may_be_done_was_settled_when_it_was_said(talk: Talk, drafted: dict[str, Any]) -> None:
    refused = talk.say("yes, send it", key=talk.api.key(*ROLES["marketer"]))
    talk.api.project()

    talk.work()

    assert talk.turn(refused)["status"] == "answered"
    assert talk.campaign(drafted)["status"] == "draft"


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("announce our new rolls to everyone", "campaigns:write"),
        ("pause it", "campaigns:send"),
        ("delete contact ada@x.test", "contacts:write"),
        ("our voice is warm and playful", "businesses:write"),
    ],
)
def test_what_somebody_may_not_do_is_not_done_for_them(
    talk: Talk, drafted: dict[str, Any], said: str, missing: str
) -> None:
    talk.ask("yes, send it")
    before = talk.campaign(drafted)
    key = talk.api.key(*(each for each in PERMISSIONS if each != missing))

    answer = talk.ask(said, key=key)["reply"]["content"]

    assert f"needs the permission {missing}" in answer
    assert talk.campaign(drafted) == before
    assert talk.api.get("/v1/campaigns").json()["total"] == 1
    assert talk.api.get("/v1/contacts").json()["total"] == 2
    assert talk.api.get("/v1/businesses").json()["items"][0]["brand_voice"] == ""


def test_who_may_not_see_campaigns_is_told_nothing_of_them(
    talk: Talk, drafted: dict[str, Any]
) -> None:
    key = talk.api.key("conversations:write")
    name = talk.campaign(drafted)["name"]

    for said in ("how did it go?", "what is it about?", "who gets this?"):
        told = talk.ask(said, key=key)["reply"]
        assert name not in str(told), said
        assert all(each["action"] != "approve" for each in told["metadata"]["suggested_actions"])


def test_a_yes_to_many_people_waits_for_somebody_else(talk: Talk, drafted: dict[str, Any]) -> None:
    talk.api.patch("/v1/organization", {"second_approver_above": 1})

    first = talk.ask("yes, send it")
    assert "somebody else has to approve it too" in first["reply"]["content"]
    assert talk.campaign(drafted)["status"] == "draft"

    second = talk.ask("yes, send it", key=talk.api.key(*ROLES["approver"]))
    assert "Approved" in second["reply"]["content"]
    assert talk.campaign(drafted)["status"] == "approved"


def test_the_same_persons_second_yes_to_many_people_sends_nothing(
    talk: Talk, drafted: dict[str, Any]
) -> None:
    talk.api.patch("/v1/organization", {"second_approver_above": 1})
    talk.ask("yes, send it")

    again = talk.ask("yes, send it")

    assert "somebody else has to approve it too" in again["reply"]["content"]
    assert "going out" not in again["reply"]["content"]
    assert talk.campaign(drafted)["status"] == "draft"

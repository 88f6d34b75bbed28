"""A campaign to many people waits for a second person's yes, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import fresh_database
from tests.support.api import Api, running_api
from tests.support.services import Services


@pytest.fixture(scope="module")
def ruled(stack: Services) -> Iterator[Api]:
    """Two contacts who agreed, one who did not, and two people for more than one recipient."""
    with fresh_database(stack) as database, running_api(stack, database) as api:
        api.contact("ada@x.test")
        api.contact("ben@x.test")
        api.contact("cleo@x.test", consent="unknown")
        assert api.patch("/v1/organization", {"second_approver_above": 1}).status_code == 200
        yield api


def approve(api: Api, campaign: dict[str, Any], key: str | None = None) -> Any:
    path = f"/v1/campaigns/{campaign['id']}/approve"
    return api.post(path, {"content_hash": campaign["content_hash"]}, key=key)


def shown(api: Api, campaign: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/campaigns/{campaign['id']}").json()
    return found


def test_the_first_yes_waits_and_the_second_persons_sends(ruled: Api) -> None:
    campaign = ruled.campaign()

    first = approve(ruled, campaign)

    assert (first.status_code, first.json()["status"]) == (202, "draft")
    assert first.json()["first_approved_by"].startswith("key:")
    assert first.json()["approved_by"] is None
    assert shown(ruled, campaign) == first.json()

    second = approve(ruled, campaign, ruled.key("campaigns:approve"))

    assert (second.status_code, second.json()["status"]) == (200, "approved")
    assert second.json()["approved_by"] != first.json()["first_approved_by"]
    assert shown(ruled, campaign) == second.json()


def test_the_same_person_twice_sends_nothing(ruled: Api) -> None:
    campaign = ruled.campaign()
    person = f"user:{uuid.uuid4()}"
    one, other = (ruled.key("campaigns:approve", made_by=person) for _ in range(2))
    approve(ruled, campaign, one)

    for key in (one, other):
        again = approve(ruled, campaign, key)
        assert (again.status_code, again.json()["code"]) == (409, "second_approver_needed")

    assert shown(ruled, campaign)["status"] == "draft"


def test_what_waits_for_a_second_yes_is_not_sent_step_by_step_either(ruled: Api) -> None:
    campaign = ruled.campaign(orchestrator="external")
    assert approve(ruled, campaign).status_code == 202

    called = ruled.post(f"/v1/campaigns/{campaign['id']}/steps/1/send")

    assert (called.status_code, called.json()["code"]) == (409, "not_approved")


def test_a_change_between_the_two_takes_the_first_back(ruled: Api) -> None:
    campaign = ruled.campaign()
    approve(ruled, campaign)

    path = f"/v1/campaigns/{campaign['id']}"
    changed = ruled.patch(path, {"content": {"subject": "Another subject"}}).json()

    assert changed["first_approved_by"] is None
    assert approve(ruled, changed, ruled.key("campaigns:approve")).status_code == 202


def test_few_recipients_need_one_yes(ruled: Api) -> None:
    only_ada = {"all": [{"field": "email", "op": "eq", "value": "ada@x.test"}]}

    yes = approve(ruled, ruled.campaign(audience={"conditions": only_ada}))

    assert yes.status_code == 200


def test_the_rule_reads_back_and_can_be_taken_away(ruled: Api) -> None:
    organization = ruled.get("/v1/organization")
    assert organization.json()["second_approver_above"] == 1
    stale = {"If-Match": '"v0"'}
    changed = ruled.patch("/v1/organization", {"second_approver_above": None}, headers=stale)
    assert changed.status_code == 412

    etag = {"If-Match": organization.headers["ETag"]}
    changed = ruled.patch("/v1/organization", {"second_approver_above": None}, headers=etag)

    assert changed.json()["second_approver_above"] is None
    assert ruled.get("/v1/organization").json() == changed.json()
    assert approve(ruled, ruled.campaign()).status_code == 200
    restored = ruled.patch("/v1/organization", {"second_approver_above": 1})
    assert restored.json()["name"] == organization.json()["name"]


@pytest.mark.parametrize("above", [-1, 1.5, "1000", 2**31, True])
def test_a_rule_that_is_no_number_of_people_is_refused(ruled: Api, above: Any) -> None:
    answer = ruled.patch("/v1/organization", {"second_approver_above": above})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert answer.json()["errors"][0]["field"] == "second_approver_above"


@pytest.mark.parametrize("body", [{}, {"name": None}, {"second_approvers_above": 5}])
def test_a_change_of_nothing_or_of_what_is_not_there_is_refused(ruled: Api, body: Any) -> None:
    assert ruled.patch("/v1/organization", body).status_code == 422


def test_the_rule_is_an_event_with_whoever_set_it(ruled: Api) -> None:
    rules = ruled.get("/v1/events?type=ApprovalRuleSet").json()["items"]

    assert rules[0]["data"] == {"second_approver_above": 1}
    assert rules[0]["actor"].startswith("key:")

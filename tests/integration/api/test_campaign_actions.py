"""What people decide about a campaign over HTTP, and what is answered when they may not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import PROFILE, Api


def approved(api: Api, **changes: Any) -> dict[str, Any]:
    made = api.campaign(**changes)
    yes = api.post(f"/v1/campaigns/{made['id']}/approve", {"content_hash": made["content_hash"]})
    assert yes.status_code == 200, yes.text
    shown: dict[str, Any] = yes.json()
    return shown


def test_holding_going_on_and_stopping(api: Api) -> None:
    path = f"/v1/campaigns/{approved(api)['id']}"
    paused = api.post(f"{path}/pause").json()
    assert (paused["status"], paused["status_reason"]["code"]) == ("paused", "by_request")
    assert api.get(path).json() == paused
    assert api.post(f"{path}/resume").json()["status"] == "approved"
    assert api.post(f"{path}/cancel").json()["status"] == "cancelled"
    late = api.patch(path, {"content": {"subject": "Too late for this"}})
    assert (late.status_code, late.json()["code"]) == (409, "not_editable")


def test_a_rejection_keeps_its_reason(api: Api) -> None:
    path = f"/v1/campaigns/{api.campaign()['id']}"
    no = api.post(f"{path}/reject", {"reason": "Too pushy"}).json()
    assert no["status_reason"] == {"code": "rejected", "detail": "Too pushy"}
    assert api.get(path).json()["status"] == "rejected"
    other = api.post(f"/v1/campaigns/{api.campaign()['id']}/reject")
    assert other.json()["status"] == "rejected"


def test_any_change_needs_a_new_yes(api: Api) -> None:
    yes = approved(api)
    path = f"/v1/campaigns/{yes['id']}"
    changed = api.patch(path, {"orchestrator": "external"}).json()
    assert changed["status"] == "draft"
    assert changed["content_hash"] != yes["content_hash"]
    assert changed["approved_by"] is None
    assert api.get(path).json() == changed


def test_several_emails_with_waits_read_back_as_they_can_be_sent_again(api: Api) -> None:
    made = api.campaign()
    path = f"/v1/campaigns/{made['id']}"
    two = [*made["emails"], {**made["emails"][0], "step": 2, "delay": "72 hours"}]
    changed = api.patch(path, {"emails": two}).json()
    assert [each["delay"] for each in changed["emails"]] == [None, "3 days"]
    assert changed["workflow"]["version"] == 2
    assert api.patch(path, {"emails": changed["emails"]}).json() == changed
    assert api.get(path).json()["workflow"] == changed["workflow"]


def test_a_stale_etag_changes_nothing(api: Api) -> None:
    made = api.campaign()
    path = f"/v1/campaigns/{made['id']}"
    tag = api.get(path).headers["etag"]
    first = api.patch(path, {"schedule": None}, headers={"If-Match": tag})
    assert first.json()["content_hash"] == made["content_hash"]
    changed = api.patch(path, {"content": {"text": "Hi"}}, headers={"If-Match": tag})
    assert changed.headers["etag"] != tag
    stale = api.patch(path, {"content": {"text": "Ho"}}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_etag")


def test_a_sender_completed_since_must_be_seen(api: Api) -> None:
    nobody = {"name": "Nameless", "timezone": "UTC"}
    business = api.post("/v1/businesses", nobody).json()["id"]
    made = api.campaign(business_id=business)
    assert "sender_incomplete" in [warning["code"] for warning in made["warnings"]]
    approve = f"/v1/campaigns/{made['id']}/approve"
    refused = api.post(approve, {"content_hash": made["content_hash"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "sender_incomplete")
    sender = {"name": "Rosa", "email": "rosa@b.example", "postal_address": PROFILE.postal_address}
    api.patch(f"/v1/businesses/{business}", {"sender": sender})
    unseen = api.post(approve, {"content_hash": made["content_hash"]})
    assert (unseen.status_code, unseen.json()["code"]) == (409, "content_changed")
    assert unseen.headers["content-type"] == "application/problem+json"
    now = api.get(f"/v1/campaigns/{made['id']}").json()
    assert PROFILE.postal_address in now["emails"][0]["html"]
    assert api.post(approve, {"content_hash": now["content_hash"]}).json()["status"] == "approved"


def test_a_repeated_request_is_answered_and_not_carried_out(api: Api) -> None:
    made = api.campaign()
    path = f"/v1/campaigns/{made['id']}/approve"
    body, once = {"content_hash": made["content_hash"]}, {"Idempotency-Key": "yes-1"}
    first = api.post(path, body, headers=once)
    again = api.post(path, body, headers=once)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["nudge-position"] == first.headers["nudge-position"]
    reused = api.post(path, {"content_hash": "other"}, headers=once)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_tests_go_to_anybody_who_may_be_mailed_twenty_times_a_day(api: Api) -> None:
    path = f"/v1/campaigns/{api.campaign()['id']}/test"
    gone = api.contact("gone@example.com")
    api.request("DELETE", f"/v1/contacts/{gone}")
    refused = api.post(path, {"email": "Gone@example.com"})
    assert (refused.status_code, refused.json()["code"]) == (409, "address_suppressed")
    left = [api.post(path, {"email": "me@example.com"}).json()["left_today"] for _ in range(20)]
    assert left == list(range(19, -1, -1))
    late = api.post(path, {"email": "me@example.com"})
    assert (late.status_code, late.json()["code"]) == (429, "test_limit")
    assert 0 < int(late.headers["retry-after"]) <= 86_401


def test_a_test_of_a_contacts_address_is_that_contacts(api: Api) -> None:
    known = api.contact("ada@example.com")
    made = api.campaign()
    sent = api.post(f"/v1/campaigns/{made['id']}/test", {"email": "ada@example.com"})
    assert sent.status_code == 202
    events = api.get(f"/v1/events?type=TestSendRequested&stream={made['id']}").json()["items"]
    assert events[0]["data"]["reference"] == known
    none = api.post(f"/v1/campaigns/{made['id']}/test", {"email": "ada@example.com", "step": 2})
    assert (none.status_code, none.json()["code"]) == (409, "no_such_step")


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_draft_has_nothing_to_hold(api: Api, action: str) -> None:
    assert api.post(f"/v1/campaigns/{api.campaign()['id']}/{action}").status_code == 409

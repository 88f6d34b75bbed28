"""A campaign over HTTP: drafted, shown, changed, approved once, held, stopped."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.api import Api

WINTER = datetime.now(UTC).year + 1


def test_a_draft_is_answered_and_read_back_alike(api: Api) -> None:
    api.contact("ada@example.com")
    api.contact("bob@example.com", consent="unknown")
    made = api.campaign(schedule={"at": f"{WINTER}-01-15T09:00:00", "timezone": "Europe/Vienna"})
    found = api.get(f"/v1/campaigns/{made['id']}")
    assert found.json() == made
    assert made["status"] == "draft"
    assert made["forecast"] == {"recipients": 1, "withheld": {"no_consent": 1}}
    assert made["audience"]["count"] == 2
    assert made["schedule"] == {"at": f"{WINTER}-01-15T08:00:00Z", "timezone": "Europe/Vienna"}
    assert made["content"]["from_email"] == "rosa@bakery.example"
    assert "unsubscribe_url" in made["emails"][0]["html"]
    assert [node["type"] for node in made["workflow"]["nodes"]] == [
        "trigger", "audience", "send", "end",
    ]  # fmt: skip


def test_a_yes_covers_the_content_that_was_seen_once(api: Api) -> None:
    made = api.campaign()
    path = f"/v1/campaigns/{made['id']}"
    changed = api.patch(path, {"content": {"subject": "Come back to us"}}).json()
    stale = api.post(f"{path}/approve", {"content_hash": made["content_hash"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "content_changed")
    yes = api.post(f"{path}/approve", {"content_hash": changed["content_hash"]})
    assert (yes.status_code, yes.json()["status"]) == (200, "approved")
    assert yes.json()["approved_by"].startswith("key:")
    assert api.get(path).json() == yes.json()
    again = api.post(f"{path}/approve", {"content_hash": changed["content_hash"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_approved")

"""Whatever a client sends, the answer says what is wrong, and it is never our mistake."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.api import HTML, Api, campaign_body

DEEP: dict[str, Any] = {"all": []}
for _ in range(9):
    DEEP = {"not": DEEP}
BIG = "x" * 1_000_000


def leaf(field: Any = "email", op: Any = "eq", value: Any = "a@example.com") -> dict[str, Any]:
    return {"audience": {"conditions": {"all": [{"field": field, "op": op, "value": value}]}}}


def mail(**changes: Any) -> dict[str, Any]:
    return {"emails": [{"subject": "We saved you a seat", "html": HTML, **changes}]}


def schedule(at: Any, **more: Any) -> dict[str, Any]:
    return {"schedule": {"at": at, **more}}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown type": ({"type": "spam"}, "type"),
    "unknown field": ({"colour": "red"}, "colour"),
    "a surrogate for a name": ({"\ud800": 1}, ""),
    "number for a name": ({"name": 5}, "name"),
    "no name": ({"name": "  "}, "name"),
    "NUL in the name": ({"name": "a\x00b"}, "name"),
    "1 MB name": ({"name": BIG}, "name"),
    "business that is no id": ({"business_id": "rosa"}, "business_id"),
    "no emails": ({"emails": []}, "emails"),
    "six emails": ({"emails": mail()["emails"] * 6}, "emails"),
    "emails as text": ({"emails": "hello"}, "emails"),
    "1 MB html": (mail(html=BIG), "emails"),
    "1 MB subject": (mail(subject=BIG), "emails.0.subject"),
    "subject of two lines": (mail(subject="a\nBcc: x@example.com"), "emails.0.subject"),
    "no html": (mail(html=""), "emails.0.html"),
    "NUL in the html": (mail(html="a\x00b"), "emails.0.html"),
    "lone surrogate in the html": (mail(html="\udc80"), "emails.0.html"),
    "broken template": (mail(html="<p>{{ first_name </p>"), "emails.0.html"),
    "template without end": (mail(html="{% for i in (1..100000000) %}x{% endfor %}"),
                             "emails.0.html"),
    "first e-mail that waits": (mail(delay="3 days"), "emails.0.delay"),
    "delay that is none": (mail(delay="soon"), "emails.0.delay"),
    "delay of ages": (mail(delay=10**30), "emails.0.delay"),
    "delay below nothing": (mail(delay=-1), "emails.0.delay"),
    "delay that is a list": (mail(delay=[1]), "emails.0.delay.int"),
    "wrong step": (mail(step=2), "emails.0.step"),
    "no conditions": ({"audience": {}}, "audience.conditions"),
    "conditions as a list": ({"audience": {"conditions": []}}, "audience.conditions"),
    "empty conditions": ({"audience": {"conditions": {}}}, "audience.conditions"),
    "conditions too deep": ({"audience": {"conditions": DEEP}}, "audience.conditions.not"),
    "unknown condition": (leaf(field="password"), "audience.conditions.all.0.field"),
    "unknown operator": (leaf(op="like"), "audience.conditions.all.0.op"),
    "wrong type of value": (leaf(value=5), "audience.conditions.all.0.value"),
    "NUL in a condition": (leaf(value="a\x00"), "audience.conditions.all.0.value"),
    "huge number": (leaf("attributes.orders", "gt", 10**400), "audience.conditions"),
    "no such day": (leaf("created_at", "lt", "2026-02-30"), "audience.conditions.all.0.value"),
    "1 MB condition": (leaf(value=BIG), "audience.conditions.all.0.value"),
    "no such date": (schedule("2027-02-30T09:00:00Z"), "schedule.at"),
    "no zone": (schedule("2027-02-03T09:00:00"), "schedule.at"),
    "no such zone": (schedule("2027-02-03T09:00:00", timezone="Mars/Base"), "schedule.timezone"),
    "past": (schedule("2020-01-01T00:00:00Z"), "schedule.at"),
    "end of time": (schedule("9999-12-31T23:59:59-14:00"), "schedule.at"),
    "beginning of time": (schedule("0001-01-01T00:00:00+14:00"), "schedule.at"),
    "time as a number": (schedule(1_900_000_000), "schedule.at"),
    "orchestrator": ({"orchestrator": "cron"}, "orchestrator"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_draft_is_refused_by_field(shared: Api, name: str) -> None:
    changes, field = BAD[name]
    body = campaign_body(shared.tenant.business_id, **changes)
    answer = shared.post("/v1/campaigns", body)
    assert answer.status_code == 422, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    fields = [each["field"] for each in answer.json()["errors"]]
    assert any(each.startswith(field) for each in fields), fields


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"name": ' + b"9" * 5_000 + b"}", 400),
        (b'{"audience": {"conditions": {"all": [NaN]}}}', 422),
        (b"x" * 3_000_000, 413),
    ],
)
def test_a_body_that_is_no_campaign_is_refused(shared: Api, content: bytes, status: int) -> None:
    answer = shared.post(
        "/v1/campaigns", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"


def test_html_that_no_parser_likes_is_only_warned_of(shared: Api) -> None:
    made = shared.campaign(**mail(html="<p>Hi</p><![wat[ x ]]>"))
    assert shared.get(f"/v1/campaigns/{made['id']}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "sort=password", "limit=0", "limit=501", "page=0", "after=x", "status=done",
        "business_id=x", "name=%00", "colour=red", "Status=draft",
        f"after={uuid.uuid4()}&limit=1&sort=-name",
    ],
)  # fmt: skip
def test_lists_are_asked_for_in_known_ways(shared: Api, query: str) -> None:
    answer = shared.get(f"/v1/campaigns?{query}")
    assert answer.status_code == (200 if "uuid" in query or "-name" in query else 422), answer.text


def test_what_belongs_to_others_is_not_there(shared: Api) -> None:
    made = shared.campaign()
    stranger = shared.new_tenant()
    path = f"/v1/campaigns/{made['id']}"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"content": {"subject": "Mine now, isn't it"}}),
        ("POST", f"{path}/approve", {"content_hash": made["content_hash"]}),
        ("POST", f"{path}/reject", None),
        ("POST", f"{path}/pause", None),
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/cancel", None),
        ("POST", f"{path}/test", {"email": "me@example.com"}),
        ("POST", f"{path}/steps/1/send", None),
        ("GET", f"{path}/preview", None),
        ("GET", f"{path}/audience", None),
        ("GET", f"{path}/deliveries", None),
        ("GET", f"{path}/workflow.n8n.json", None),
        ("GET", f"/v1/analytics/campaigns/{made['id']}", None),
    ):
        answer = shared.request(method, where, body, key=stranger.api_key)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), where
        unknown = shared.request(method, where.replace(made["id"], str(uuid.uuid4())), body)
        assert unknown.status_code == 404, where
        assert (
            shared.request(method, where.replace(made["id"], "nonsense"), body).status_code == 422
        )
        assert shared.request(method, where, body, key="nk_wrong").status_code == 401
    draft = campaign_body(stranger.business_id)
    assert shared.post("/v1/campaigns", draft).status_code == 404
    assert shared.get("/v1/campaigns", key=stranger.api_key).json()["total"] == 0


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("approve", {}),
        ("approve", {"content_hash": 5}),
        ("approve", {"content_hash": BIG}),
        ("approve", {"content_hash": "a", "force": True}),
        ("reject", {"reason": BIG}),
        ("reject", {"reason": "\x00"}),
        ("test", {"email": "nobody"}),
        ("test", {"email": BIG}),
        ("test", {"email": "a\x00@example.com"}),
        ("test", {"email": "a@example.com", "step": "one"}),
    ],
)
def test_bad_decisions_are_refused(shared: Api, action: str, body: dict[str, Any]) -> None:
    made = shared.campaign()
    assert shared.post(f"/v1/campaigns/{made['id']}/{action}", body).status_code == 422
    assert shared.get(f"/v1/campaigns/{made['id']}").json()["status"] == "draft"


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "from=2026-02-30", "from=0001-01-01", "from=2026-02-01&to=2026-01-01",
     "to=9999-12-31T23:59:59-14:00"],
)  # fmt: skip
def test_reports_are_of_possible_periods(shared: Api, query: str) -> None:
    assert shared.get(f"/v1/analytics/report?{query}").status_code == 422

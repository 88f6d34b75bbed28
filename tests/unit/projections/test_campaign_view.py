"""The campaign's status and approval as its events tell them."""

from __future__ import annotations

from typing import Any

import pytest

from projections.postgres.view import moment
from projections.postgres.views.campaigns import CampaignRow, fold
from schemas.codec import Event, to_micros
from schemas.sealing import ERASED
from tests.support.histories import identity, make_event

STREAM = identity("campaign")
SCHEDULED = {"schedule_at": 1_768_000_000_000_000}


def campaign_after(*steps: str | tuple[str, dict[str, Any]]) -> CampaignRow:
    row: CampaignRow | None = None
    for version, step in enumerate(("CampaignDrafted", *steps), 1):
        kind, fields = (step, {"schedule_at": None}) if isinstance(step, str) else step
        row = fold(row, event(kind, version, **fields))
    assert row is not None
    return row


def event(kind: str, version: int, **fields: Any) -> Event:
    made = make_event(kind, STREAM, version, version * 10)
    made.data |= {k: v for k, v in fields.items() if k in made.data or k != "schedule_at"}
    return made


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([], "draft"),
        (["CampaignApproved"], "approved"),
        ([("CampaignApproved", SCHEDULED)], "scheduled"),
        (["CampaignApproved", "SendingStarted"], "sending"),
        (["CampaignApproved", "CampaignPaused"], "paused"),
        (["CampaignApproved", "CampaignPaused", "CampaignResumed"], "approved"),
        ([("CampaignApproved", SCHEDULED), "CampaignPaused", "CampaignResumed"], "scheduled"),
        (["CampaignApproved", "SendingStarted", "CampaignPaused", "CampaignResumed"], "sending"),
        (["CampaignApproved", "CampaignPaused", "SendingStarted"], "paused"),
        (["CampaignApproved", "CampaignPaused", "SendingStarted", "CampaignResumed"], "sending"),
        (["CampaignApproved", "SendingStarted", "CampaignSent"], "sent"),
        (["CampaignApproved", "SendingStarted", "CampaignCancelled"], "cancelled"),
        (["CampaignApproved", "CampaignCancelled", "SendingStarted"], "cancelled"),
        (["CampaignRejected"], "rejected"),
        (["CampaignApproved", "CampaignRevised"], "draft"),
        ([("CampaignApproved", SCHEDULED), "CampaignRevised"], "draft"),
        (["CampaignApproved", "TestSendRequested"], "approved"),
    ],
)
def test_status(steps: list[str | tuple[str, dict[str, Any]]], status: str) -> None:
    assert campaign_after(*steps).status == status


def test_an_approval_is_remembered_with_who_and_when_and_where_in_the_log() -> None:
    row = campaign_after("CampaignApproved")
    approval = event("CampaignApproved", 2)
    assert (row.approved_by, row.approved_at) == (approval.actor, moment(approval))
    assert row.approval_position == 20


def test_a_change_takes_the_approval_away() -> None:
    row = campaign_after("CampaignApproved", ("CampaignRevised", {"content_hash": "new"}))
    assert (row.approved_by, row.approved_at, row.approval_position) == (None, None, None)
    assert row.content_hash == "new"


def test_a_pause_says_why_until_it_is_resumed() -> None:
    paused = ("CampaignPaused", {"reason": "server_token_refused", "detail": "401"})
    row = campaign_after("CampaignApproved", paused)
    assert (row.reason, row.reason_detail) == ("server_token_refused", "401")
    assert campaign_after("CampaignApproved", paused, "CampaignResumed").reason == ""


def test_the_version_is_the_streams_whatever_the_event() -> None:
    assert campaign_after("TestSendRequested").version == 2


def test_json_and_times_are_read() -> None:
    row = campaign_after(("CampaignRevised", {**SCHEDULED, "intent": ""}))
    assert row.schedule_at is not None
    assert to_micros(row.schedule_at) == SCHEDULED["schedule_at"]
    assert row.intent is None
    assert row.conditions == {"all": []}
    assert row.emails[0]["step"] == 1


def test_what_was_erased_is_empty() -> None:
    sealed = ("name", "intent", "audience_description", "conditions", "emails", "sender")
    row = fold(None, event("CampaignDrafted", 1, **dict.fromkeys(sealed, ERASED)))
    assert row is not None
    assert (row.name, row.intent, row.conditions, row.emails, row.sender) == ("", None, {}, [], {})
    assert type(row.name) is str

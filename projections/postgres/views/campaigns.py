"""Campaigns: what would be sent, to whom, when, and how far it got."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from projections.postgres.view import View, json_or, moment, moment_or_none, stream_id, text, texts
from schemas.codec import Event


class CampaignRow(NamedTuple):
    """One campaign. `started_at`: when its first audience was expanded; content is fixed since.

    `reason` and `reason_detail` say why it is paused or was rejected.
    """

    id: str
    organization_id: str
    business_id: str
    conversation_id: str | None
    turn_id: str | None
    workflow_id: str
    type: str
    status: str
    name: str
    intent: dict[str, Any] | None
    audience_description: str
    conditions: dict[str, Any]
    emails: list[dict[str, Any]]
    sender: dict[str, str]
    schedule_at: datetime | None
    timezone: str
    recurrence: str
    orchestrator: str
    content_hash: str
    first_approved_by: str | None
    first_approved_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    approval_position: int | None
    started_at: datetime | None
    reason: str
    reason_detail: str
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


def fold(row: CampaignRow | None, event: Event) -> CampaignRow | None:
    """The campaign after the event."""
    if row is None:
        return _drafted(event) if event.type == "CampaignDrafted" else None
    if event.position <= row.position:
        return row  # seen before
    data = event.data
    row = row._replace(updated_at=moment(event), position=event.position, version=event.version)
    match event.type:
        case "CampaignRevised":
            return _without_approval(row)._replace(**_content(event))
        case "FirstApprovalGiven":
            return row._replace(first_approved_by=event.actor, first_approved_at=moment(event))
        case "CampaignApproved":
            return _approved(row, event)
        case "SendingStarted":
            started = row._replace(started_at=row.started_at or moment(event))
            return started._replace(status=_running(started)) if _is_running(row) else started
        case "CampaignPaused":
            return row._replace(
                status="paused", reason=data["reason"], reason_detail=text(data["detail"])
            )
        case "CampaignResumed":
            return row._replace(status=_running(row), reason="", reason_detail="")
        case "CampaignRejected":
            return row._replace(
                status="rejected", reason="rejected", reason_detail=text(data["reason"])
            )
        case "CampaignCancelled":
            return row._replace(status="cancelled", reason="", reason_detail="")
        case "CampaignSent":
            return row._replace(status="sent", reason="", reason_detail="")
    return row


def _is_running(row: CampaignRow) -> bool:
    return row.status in {"approved", "scheduled", "sending"}


def _running(row: CampaignRow) -> str:
    """Where an approved campaign stands when nothing holds it; a pause returns to it."""
    if row.started_at is not None:
        return "sending"
    return "approved" if row.schedule_at is None else "scheduled"


def _approved(row: CampaignRow, event: Event) -> CampaignRow:
    approved = row._replace(
        schedule_at=moment_or_none(event.data["schedule_at"]),
        approved_by=event.actor,
        approved_at=moment(event),
        approval_position=event.position,
        reason="",
        reason_detail="",
    )
    return approved._replace(status=_running(approved))


def _without_approval(row: CampaignRow) -> CampaignRow:
    """An approval covers one content only: any change makes a draft of it again."""
    return row._replace(
        status="draft",
        first_approved_by=None,
        first_approved_at=None,
        approved_by=None,
        approved_at=None,
        approval_position=None,
        reason="",
        reason_detail="",
    )


def _content(event: Event) -> dict[str, Any]:
    data = event.data
    return {
        **texts(data, "name", "audience_description", "recurrence"),
        "intent": json_or(data["intent"], None),
        "conditions": json_or(data["conditions"], {}),
        "emails": json_or(data["emails"], []),
        "sender": json_or(data["sender"], {}),
        "schedule_at": moment_or_none(data["schedule_at"]),
        "timezone": data["timezone"],
        "orchestrator": data["orchestrator"],
        "content_hash": data["content_hash"],
    }


def _drafted(event: Event) -> CampaignRow:
    data, now = event.data, moment(event)
    return CampaignRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        business_id=data["business_id"],
        conversation_id=data["conversation_id"],
        turn_id=data["turn_id"],
        workflow_id=data["workflow_id"],
        type=data["campaign_type"],
        status="draft",
        first_approved_by=None,
        first_approved_at=None,
        approved_by=None,
        approved_at=None,
        approval_position=None,
        started_at=None,
        reason="",
        reason_detail="",
        created_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
        **_content(event),
    )


# TestSendRequested changes nothing that is shown, but `version` must be the stream's: it is what
# an ETag is made of.
VIEW = View(
    name="campaigns",
    row=CampaignRow,
    events=frozenset(
        {
            "CampaignDrafted", "CampaignRevised", "CampaignApproved", "CampaignRejected",
            "CampaignPaused", "CampaignResumed", "CampaignCancelled", "CampaignSent",
            "SendingStarted", "TestSendRequested", "FirstApprovalGiven",
        }
    ),
    key_of=stream_id,
    fold=fold,
)  # fmt: skip

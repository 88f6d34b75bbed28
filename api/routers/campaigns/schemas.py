"""Shapes of a campaign as it is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from domain.campaign.audience import describe
from domain.campaign.values import (
    EMAILS_MAX,
    NAME_MAX,
    CampaignType,
    Content,
    Email,
    Orchestrator,
    Sender,
    duration,
    email,
)
from domain.shared.errors import InvalidValueError
from domain.shared.zones import timezone_name
from projections.queries.conditions import ConditionError, check_conditions

_HTML = "<html><body><p>Hi {{ first_name | default: 'there' }}, we miss you.</p></body></html>"
_CONDITIONS: dict[str, Any] = {
    "all": [{"field": "attributes.last_purchase_at", "op": "before_days", "value": 60}]
}
_EXAMPLE: dict[str, Any] = {
    "business_id": "7d0c8f0e-3f4e-4d7e-9a41-0d3f6c2b9f11",
    "type": "win_back",
    "name": "Spring win-back",
    "audience": {"conditions": _CONDITIONS},
    "emails": [
        {"subject": "We saved you a seat", "preheader": "20 % off this week", "html": _HTML},
        {"delay": "3 days", "subject": "Still thinking about it?", "html": _HTML},
    ],
    "schedule": None,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EmailIn(_Body):
    """One e-mail; Liquid inside. `delay`: the wait after the one before, such as "3 days"."""

    step: StrictInt | None = None
    delay: StrictInt | StrictStr | None = None
    subject: str
    preheader: str = ""
    html: str
    text: str = ""

    def email(self, step: int) -> Email:
        """The checked e-mail. Raises InvalidValueError that names the field."""
        where = f"emails.{step - 1}"
        if self.step not in (None, step):
            raise InvalidValueError(f"{where}.step", "steps", f"This is e-mail {step} of the list.")
        wait = duration(0 if self.delay is None else self.delay, f"{where}.delay")
        return email(step, self.subject, self.html, self.text, self.preheader, delay=wait)


class ContentPatch(_Body):
    """Fields of the first e-mail; what is left out stays."""

    subject: str | None = None
    preheader: str | None = None
    html: str | None = None
    text: str | None = None


class AudienceIn(_Body):
    """Who gets it. Everyone is `{"all": []}`."""

    conditions: dict[str, Any]
    description: str | None = None

    def applied_to(self, content: Content) -> Content:
        """The content for this audience. Raises InvalidValueError that names the condition."""
        try:
            check_conditions(self.conditions)
            words = describe(self.conditions)
        except ConditionError as error:
            field = f"audience.{error.field}"
            raise InvalidValueError(field, "invalid_condition", f"{field} {error.detail}") from None
        except (OverflowError, RecursionError):
            raise InvalidValueError(
                "audience.conditions", "invalid_condition", "A value is too large to compare."
            ) from None
        described = words if self.description is None else self.description
        return replace(content, conditions=self.conditions, audience_description=described)


class ScheduleIn(_Body):
    """When it starts: a time with its offset, or a local time of `timezone` (IANA)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"at": "2027-03-01T09:00:00+01:00", "timezone": "Europe/Vienna"}]
        },
    )
    at: str
    timezone: str | None = None

    def applied_to(self, content: Content) -> Content:
        """The content at this time. Raises InvalidValueError."""
        zone = timezone_name(self.timezone or "", "schedule.timezone")
        try:
            at = datetime.fromisoformat(self.at)
            if at.tzinfo is None and zone:
                at = at.replace(tzinfo=ZoneInfo(zone))
            moment = at if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidValueError(
                "schedule.at", "invalid_date", "Write a time such as 2026-12-01T09:00:00+01:00."
            ) from None
        if moment.tzinfo is None:
            raise InvalidValueError(
                "schedule.at", "no_zone", "Say the time with its offset, or give a timezone."
            )
        return replace(content, schedule_at=moment, timezone=zone or content.timezone)


Emails = Annotated[list[EmailIn], Field(min_length=1, max_length=EMAILS_MAX)]


class CampaignIn(_Body):
    """A campaign to draft. Its sender is the business's."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})
    business_id: UUID
    type: CampaignType
    name: str | None = None
    audience: AudienceIn
    emails: Emails
    schedule: ScheduleIn | None = None
    orchestrator: Orchestrator = "built_in"

    def content(self, timezone: str) -> Content:
        """The content it describes; `timezone` is the business's. Raises InvalidValueError."""
        emails = tuple(each.email(step) for step, each in enumerate(self.emails, start=1))
        content = Content(
            name=_default_name(self.type, emails) if self.name is None else self.name,
            conditions={},
            emails=emails,
            sender=Sender(),
            timezone=timezone,
            orchestrator=self.orchestrator,
        )
        content = self.audience.applied_to(content)
        return content if self.schedule is None else self.schedule.applied_to(content)


class CampaignPatch(_Body):
    """What may change; what is left out stays. `schedule: null` means at once, on approval."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"content": {"subject": "A seat with your name on it"}}]},
    )
    emails: Emails | None = None
    content: ContentPatch | None = None
    audience: AudienceIn | None = None
    schedule: ScheduleIn | None = None
    orchestrator: Orchestrator | None = None

    def applied_to(self, content: Content) -> Content:
        """The checked content with what was given put in its place. Raises InvalidValueError."""
        if self.emails is not None:
            emails = tuple(each.email(step) for step, each in enumerate(self.emails, start=1))
            content = replace(content, emails=emails)
        if self.content is not None:
            given = self.content.model_dump(exclude_none=True)
            first = replace(content.emails[0], **given)
            content = replace(content, emails=(first, *content.emails[1:]))
        if self.audience is not None:
            content = self.audience.applied_to(content)
        if self.orchestrator is not None:
            content = replace(content, orchestrator=self.orchestrator)
        if self.schedule is not None:
            return self.schedule.applied_to(content)
        at_once = "schedule" in self.model_fields_set
        return replace(content, schedule_at=None, recurrence="") if at_once else content


class ApprovalIn(_Body):
    """The yes of a person to the content that they saw."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"content_hash": "9f86d081884c7d65..."}]}
    )
    content_hash: str = Field(max_length=200)


class RejectionIn(_Body):
    """Why not."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "The offer is too high."}]}
    )
    reason: str = Field(default="", max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")


class TestIn(_Body):
    """Where a test goes, and which e-mail of the campaign."""

    __test__ = False
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "me@example.com", "step": 1}]}
    )
    email: str
    step: StrictInt = 1


Status = Literal[
    "draft", "approved", "scheduled", "sending", "paused", "sent", "cancelled", "rejected"
]


def _default_name(kind: str, emails: tuple[Email, ...]) -> str:
    return f"{kind.replace('_', ' ').capitalize()}: {emails[0].subject}"[:NAME_MAX]

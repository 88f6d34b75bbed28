"""The campaign: drafted, changed, approved, started, held, stopped, done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.campaign.commands import DraftCampaign, RequestTest
from domain.campaign.decisions import EDITABLE, OVER, RUNNING, check_schedule, running_status
from domain.campaign.hashing import content_hash
from domain.campaign.values import Content, Status, checked_content
from domain.shared.aggregate import Root
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from domain.workflow.graph import Graph


class Campaign(Root):
    """A goal with content, audience, schedule and approval.

    An approval covers exactly one content hash; any change makes a draft of it again. Once the
    first audience was expanded, the content is fixed.
    """

    TOPIC = "Campaign"

    class Created(Aggregate.Created):
        TOPIC = "CampaignDrafted"
        meta: Meta
        business_id: UUID
        conversation_id: UUID | None
        turn_id: UUID | None
        campaign_type: str
        workflow_id: UUID
        content_hash: str
        schedule_at: datetime | None
        timezone: str
        orchestrator: str
        name: str
        intent: str
        audience_description: str
        conditions: str
        emails: str
        sender: str
        recurrence: str

    class Revised(Aggregate.Event):
        TOPIC = "CampaignRevised"
        meta: Meta
        content_hash: str
        schedule_at: datetime | None
        timezone: str
        orchestrator: str
        name: str
        intent: str
        audience_description: str
        conditions: str
        emails: str
        sender: str
        recurrence: str

    class Approved(Aggregate.Event):
        TOPIC = "CampaignApproved"
        meta: Meta
        content_hash: str
        schedule_at: datetime | None

    class FirstApprovalGiven(Aggregate.Event):
        TOPIC = "FirstApprovalGiven"
        meta: Meta
        content_hash: str
        recipients: int
        above: int

    class Rejected(Aggregate.Event):
        TOPIC = "CampaignRejected"
        meta: Meta
        reason: str

    class Paused(Aggregate.Event):
        TOPIC = "CampaignPaused"
        meta: Meta
        reason: str
        detail: str

    class Resumed(Aggregate.Event):
        TOPIC = "CampaignResumed"
        meta: Meta

    class Cancelled(Aggregate.Event):
        TOPIC = "CampaignCancelled"
        meta: Meta

    class SendingStarted(Aggregate.Event):
        TOPIC = "SendingStarted"
        meta: Meta
        step: int

    class Sent(Aggregate.Event):
        TOPIC = "CampaignSent"
        meta: Meta
        intended: int

    class TestSendRequested(Aggregate.Event):
        TOPIC = "TestSendRequested"
        meta: Meta
        delivery_id: UUID
        reference: UUID
        content_hash: str
        step: int
        address: str

    @classmethod
    def draft(cls, command: DraftCampaign, meta: Meta) -> Campaign:
        """A campaign nobody has agreed to yet."""
        content = checked_content(command.content)
        check_schedule(content.schedule_at, meta.now)
        return cls._create(
            cls.Created,
            id=command.campaign_id,
            timestamp=meta.now,
            meta=meta,
            business_id=command.business_id,
            conversation_id=command.conversation_id,
            turn_id=command.turn_id,
            campaign_type=command.campaign_type,
            workflow_id=command.workflow_id,
            content_hash=content_hash(content, command.graph),
            **content.to_fields(),
        )

    def revise(self, content: Content, graph: Graph, meta: Meta) -> bool:
        """Change what would be sent, to whom or when; whether it is other content at all."""
        if self.status not in EDITABLE:
            raise RuleViolatedError(
                "not_editable", f"The campaign is {self.status}; it can no longer be changed."
            )
        checked_content(content)
        if content.schedule_at != self._fields["schedule_at"]:
            check_schedule(content.schedule_at, meta.now)
        new_hash = content_hash(content, graph)
        if new_hash == self.content_hash:
            return False
        self.record(self.Revised, meta, content_hash=new_hash, **content.to_fields())
        return True

    def approve(self, seen_hash: str, meta: Meta) -> None:
        """A person's yes to the content with this hash; the last one that is needed."""
        self.ensure_approvable(seen_hash, meta)
        schedule_at = self._fields["schedule_at"]
        self.record(self.Approved, meta, content_hash=seen_hash, schedule_at=schedule_at)

    def approve_first(self, seen_hash: str, recipients: int, above: int, meta: Meta) -> None:
        """The first of two yeses, which `recipients` more than `above` need; a draft until then."""
        self.ensure_approvable(seen_hash, meta)
        self.record(
            self.FirstApprovalGiven,
            meta,
            content_hash=seen_hash,
            recipients=recipients,
            above=above,
        )

    def ensure_approvable(self, seen_hash: str, meta: Meta) -> None:
        """Raise RuleViolatedError unless a yes to the content with this hash can count."""
        if self.status in OVER - {"sent"}:
            raise RuleViolatedError("not_approvable", f"The campaign is {self.status}.")
        if self.approved_hash is not None and self.approved_hash == seen_hash:
            raise RuleViolatedError("already_approved", "This was approved before.")
        if seen_hash != self.content_hash:
            raise RuleViolatedError(
                "content_changed", "The content changed after you saw it. Look again, then approve."
            )
        if self.status != "draft":
            raise RuleViolatedError("not_approvable", f"The campaign is {self.status}.")
        self._ensure_sendable(meta)

    def reject(self, reason: str, meta: Meta) -> None:
        """A person's no to a draft; `reason` may be empty."""
        if self.status != "draft":
            raise RuleViolatedError(
                "not_rejectable", f"The campaign is {self.status}; only a draft can be rejected."
            )
        self.record(self.Rejected, meta, reason=reason)

    def pause(self, meta: Meta, reason: str = "by_request", detail: str = "") -> bool:
        """Claim nothing more until resumed; a paused one stays as it is."""
        if self.status == "paused":
            return False
        if self.status not in RUNNING:
            raise RuleViolatedError(
                "not_running", f"The campaign is {self.status}; there is nothing to pause."
            )
        self.record(self.Paused, meta, reason=reason, detail=detail)
        return True

    def resume(self, meta: Meta) -> None:
        """Go on after a pause."""
        if self.status != "paused":
            raise RuleViolatedError("not_paused", f"The campaign is {self.status}, not paused.")
        self.record(self.Resumed, meta)

    def cancel(self, meta: Meta) -> bool:
        """Leave unsent what is not handed over; a cancelled one stays as it is."""
        if self.status == "cancelled":
            return False
        if self.status in OVER:
            raise RuleViolatedError(
                "not_cancellable", f"The campaign is {self.status}; there is nothing to cancel."
            )
        self.record(self.Cancelled, meta)
        return True

    def start_sending(self, step: int, meta: Meta) -> bool:
        """The audience of a step is settled; whether it is the first, which fixes the content."""
        if self.status not in RUNNING:
            raise RuleViolatedError("not_running", f"The campaign is {self.status}.")
        if self.started:
            return False
        self.record(self.SendingStarted, meta, step=step)
        return True

    def complete(self, intended: int, meta: Meta) -> bool:
        """Every delivery has an outcome, `intended` of them in all steps."""
        if self.status == "sent":
            return False
        if not self.started or self.status in OVER:
            raise RuleViolatedError("not_running", f"The campaign is {self.status}.")
        self.record(self.Sent, meta, intended=intended)
        return True

    def request_test(self, command: RequestTest, meta: Meta) -> None:
        """Send one e-mail of the present content to a mailbox somebody looks at."""
        if command.step not in range(1, len(self.content.emails) + 1):
            raise RuleViolatedError("no_such_step", f"There is no e-mail {command.step}.")
        if not self.content.sender.complete:
            raise RuleViolatedError("sender_incomplete", _SENDER)
        self.record(
            self.TestSendRequested,
            meta,
            delivery_id=command.delivery_id,
            reference=command.reference,
            content_hash=self.content_hash,
            step=command.step,
            address=command.address,
        )

    @property
    def content(self) -> Content:
        """What would be sent, to whom and when."""
        return Content.from_fields(self._fields)

    def _ensure_sendable(self, meta: Meta) -> None:
        if not self.content.sender.complete:
            raise RuleViolatedError("sender_incomplete", _SENDER)
        at: datetime | None = self._fields["schedule_at"]
        if at is not None and at < meta.now:
            raise RuleViolatedError(
                "schedule_in_past", f"{at.isoformat()} is past; choose a later time."
            )

    @event(Created)
    def __init__(
        self,
        meta: Meta,
        business_id: UUID,
        conversation_id: UUID | None,
        turn_id: UUID | None,
        campaign_type: str,
        workflow_id: UUID,
        content_hash: str,
        schedule_at: datetime | None,
        timezone: str,
        orchestrator: str,
        name: str,
        intent: str,
        audience_description: str,
        conditions: str,
        emails: str,
        sender: str,
        recurrence: str,
    ) -> None:
        self.organization_id = meta.organization_id
        self.business_id = business_id
        self.conversation_id = conversation_id
        self.turn_id = turn_id
        self.campaign_type = campaign_type
        self.workflow_id = workflow_id
        self.status: Status = "draft"
        self.approved_hash: str | None = None
        self.approved_by: str | None = None
        self.approved_at: datetime | None = None
        self.first_approved_by: str | None = None
        self.first_approved_at: datetime | None = None
        self.reason = self.reason_detail = ""
        self.started = False
        self.content_hash = content_hash
        self._fields: dict[str, Any] = {
            "schedule_at": schedule_at,
            "timezone": timezone,
            "orchestrator": orchestrator,
            "name": name,
            "intent": intent,
            "audience_description": audience_description,
            "conditions": conditions,
            "emails": emails,
            "sender": sender,
            "recurrence": recurrence,
        }

    @event(Revised)
    def _revised(
        self,
        content_hash: str,
        schedule_at: datetime | None,
        timezone: str,
        orchestrator: str,
        name: str,
        intent: str,
        audience_description: str,
        conditions: str,
        emails: str,
        sender: str,
        recurrence: str,
    ) -> None:
        self.status = "draft"
        self.approved_hash = self.approved_by = self.approved_at = None
        self.first_approved_by = self.first_approved_at = None
        self.reason = self.reason_detail = ""
        self.content_hash = content_hash
        self._fields = {
            "schedule_at": schedule_at,
            "timezone": timezone,
            "orchestrator": orchestrator,
            "name": name,
            "intent": intent,
            "audience_description": audience_description,
            "conditions": conditions,
            "emails": emails,
            "sender": sender,
            "recurrence": recurrence,
        }

    @event(Approved)
    def _approved(self, meta: Meta, content_hash: str, schedule_at: datetime | None) -> None:
        self.approved_hash = content_hash
        self.approved_by = meta.actor
        self.approved_at = meta.now
        self.reason = self.reason_detail = ""
        self.status = running_status(schedule_at, started=self.started)

    @event(FirstApprovalGiven)
    def _first_approval_given(self, meta: Meta) -> None:
        self.first_approved_by = meta.actor
        self.first_approved_at = meta.now

    @event(Rejected)
    def _rejected(self, reason: str) -> None:
        self.status = "rejected"
        self.reason, self.reason_detail = "rejected", reason

    @event(Paused)
    def _paused(self, reason: str, detail: str) -> None:
        self.status = "paused"
        self.reason, self.reason_detail = reason, detail

    @event(Resumed)
    def _resumed(self) -> None:
        self.reason = self.reason_detail = ""
        self.status = running_status(self._fields["schedule_at"], started=self.started)

    @event(Cancelled)
    def _cancelled(self) -> None:
        self.reason = self.reason_detail = ""
        self.status = "cancelled"

    @event(SendingStarted)
    def _sending_started(self) -> None:
        self.started = True
        self.status = "sending"

    @event(Sent)
    def _sent(self) -> None:
        self.status = "sent"
        self.reason = self.reason_detail = ""

    @event(TestSendRequested)
    def _test_send_requested(self) -> None:
        pass


_SENDER = "The business needs a sender name, address and postal address before anything is sent."

"""Why a person did not get a campaign: the first reason on the way, with its event."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from projections.history.campaigns import CampaignPast, reading_of
from projections.history.evidence import AsRead, Judge, to_blame
from projections.history.rows import row_of
from projections.history.streams import Histories
from projections.history.why import instant, judged
from projections.postgres.views import deliveries
from projections.postgres.views.campaigns import CampaignRow
from projections.postgres.views.deliveries import DeliveryRow
from schemas.codec import Event

Code = Literal[
    "never_approved", "approval_lapsed", "rejected", "cancelled", "paused", "not_due",
    "not_started", "expanding", "added_later", "deleted", "not_in_audience", "no_consent",
    "unsubscribed", "hard_bounced", "complained", "inactive_at_provider", "erased", "refused",
    "ambiguous", "held", "given_up", "returned", "waiting", "being_sent", "bounced",
    "already_mailed", "unexplained",
]  # fmt: skip
SAYS: Final[dict[Code, str]] = {
    "never_approved": "Nobody has approved the campaign.",
    "approval_lapsed": "The campaign was changed after it was approved, and not approved again.",
    "rejected": "The campaign was rejected.",
    "cancelled": "The campaign was cancelled before this e-mail was handed over.",
    "paused": "The campaign is paused.",
    "not_due": "The e-mail is not due yet.",
    "not_started": "The campaign is approved and about to start.",
    "expanding": "The audience is being read at this moment.",
    "added_later": "The contact was added after the audience was settled.",
    "deleted": "The contact was deleted.",
    "not_in_audience": "The contact did not meet the conditions when the audience was settled.",
    "no_consent": "The contact has not agreed to be mailed.",
    "unsubscribed": "The person had unsubscribed.",
    "hard_bounced": "The address had bounced for good.",
    "complained": "The person had complained of spam.",
    "inactive_at_provider": "The provider has the address as inactive.",
    "erased": "The person was erased.",
    "refused": "The provider refused the message for good.",
    "ambiguous": "Whether the provider took the message is not known yet.",
    "held": "Nobody could find out whether it was sent; a person decides.",
    "given_up": "Nobody could find out whether it was sent, and a person gave it up.",
    "returned": "An attempt ended with nothing sent; it will be tried again.",
    "waiting": "It is waiting for its turn to be sent.",
    "being_sent": "A sender holds it at this moment.",
    "bounced": "It was sent and came back.",
    "already_mailed": "The address got this e-mail, or may have got it, as another contact's.",
    "unexplained": "The log does not say: compare log and read models.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, at which step, and the event that is the reason."""

    code: Code
    step: int
    event: Event | None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason` is None when the contact got the step (or, without one, every step)."""

    reason: Reason | None
    delivery: DeliveryRow | None


def first_reason(
    past: Histories, campaign_id: str, contact_id: str, judge: Judge, step: int | None = None
) -> Answer:
    """The first reason on the way from the draft to the mailbox.

    Without `step`: of the first step that the contact did not get. Both streams must be there.
    """
    asked = _Asked(
        past, CampaignPast(past, campaign_id), past.stream(contact_id), contact_id, judge
    )
    steps = [step] if step else range(1, asked.campaign.steps + 1)
    answer = Answer(None, None)
    for number in steps:
        answer = asked.at_step(number)
        if answer.reason is not None:
            break
    return answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question: a campaign and a contact, as of a position."""

    past: Histories
    campaign: CampaignPast
    contact: list[Event]
    contact_id: str
    judge: Judge

    def at_step(self, step: int) -> Answer:
        """The first reason at one step."""
        events = self.campaign.delivery(step, self.contact_id)
        row = row_of(deliveries.VIEW, events)
        if row is not None:
            return Answer(self._of_delivery(row, events), row)
        ended = self.campaign.expanded(1)
        if ended is not None and not self.campaign.delivery(1, self.contact_id):
            return Answer(self._outside(ended), None)
        if self.campaign.expanded(step) is not None:
            return Answer(Reason("unexplained", step, self.campaign.expanded(step)), None)
        return Answer(self._not_yet(step), None)

    # --- not intended, because nothing is yet ---------------------------------------------------

    def _not_yet(self, step: int) -> Reason:
        halted = self._halted(step)
        if halted is not None:
            return halted
        scheduled = self.campaign.scheduled(step)
        started = self._last("SendingStarted")
        if step == 1 and started is not None:
            return Reason("expanding", step, started)
        if scheduled is None:
            before = self.campaign.run_started
            code: Code = "not_due" if before else "not_started"
            return Reason(code, step, before or self._last("CampaignApproved"))
        due = instant(scheduled.data["due_at"])
        return Reason("not_due", step, scheduled, {"due_at": due})

    def _halted(self, step: int) -> Reason | None:
        """What keeps the campaign as a whole from being carried out."""
        row = self.campaign.row
        match row.status if row else "draft":
            case "draft":
                return self._unapproved(step)
            case "rejected":
                return Reason("rejected", step, self._last("CampaignRejected"))
            case "cancelled":
                return Reason("cancelled", step, self._last("CampaignCancelled"))
            case "paused":
                return self._paused(step)
            case "sent":
                return Reason("unexplained", step, self._last("CampaignSent"))
        return None

    def _unapproved(self, step: int) -> Reason:
        approved = self._last("CampaignApproved")
        if approved is not None:
            return Reason("approval_lapsed", step, self._last("CampaignRevised"))
        return Reason("never_approved", step, self._last("CampaignDrafted", "CampaignRevised"))

    def _paused(self, step: int) -> Reason:
        event = self._last("CampaignPaused")
        return Reason("paused", step, event, {"reason": event.data["reason"]} if event else {})

    def _last(self, *types: str) -> Event | None:
        found = [event for event in self.campaign.events if event.type in types]
        return found[-1] if found else None

    # --- not intended, because not meant --------------------------------------------------------

    def _outside(self, ended: Event) -> Reason:
        """The audience was settled without the contact: the latest state that explains it."""
        reading = reading_of(self.campaign, ended)
        content = self.campaign.content_at(ended.position)
        if reading is None or content is None:
            return Reason("unexplained", 1, ended)
        for state in reading.states(self.contact):
            reason = self._not_meant(content, state, ended)
            if reason is not None:
                return reason
        return Reason("unexplained", 1, ended)

    def _not_meant(self, content: CampaignRow, state: AsRead, ended: Event) -> Reason | None:
        if state.row is None:
            return Reason("added_later", 1, self.contact[0], {"settled_position": ended.position})
        if state.row.deleted:
            gone = [event for event in self.contact if event.type == "ContactDeleted"]
            return Reason("deleted", 1, gone[0] if gone else state.last)
        reading = reading_of(self.campaign, ended)
        found = judged(content, reading, state, self.judge) if reading else None
        details: dict[str, Any] = {"settled_position": ended.position}
        if found is None:
            return Reason("not_in_audience", 1, state.last, {**details, "erased": True})
        failed = to_blame(content.conditions, found)
        if not failed:
            return None
        details |= {"erased": state.erased, "conditions": [asdict(each) for each in failed]}
        return Reason("not_in_audience", 1, state.last, details)

    # --- intended, and then ---------------------------------------------------------------------

    def _of_delivery(self, row: DeliveryRow, events: list[Event]) -> Reason | None:
        own = [event for event in events if event.type.startswith("Delivery")]
        step, latest = row.step, own[-1]
        if row.accepted:
            bounced = [event for event in events if event.type == "Bounced"]
            return Reason("bounced", step, bounced[-1], _bounce(bounced[-1])) if bounced else None
        match row.state:
            case "withheld" if latest.type == "DeliveryClosed":
                return Reason("given_up", step, latest)
            case "withheld":
                return self._withheld(row, latest)
            case "refused":
                return Reason("refused", step, latest, {"error_code": latest.data["error_code"]})
            case "held":
                return Reason("held", step, latest)
            case "ambiguous":
                return Reason("ambiguous", step, latest, {"reason": latest.data["reason"]})
            case "claimed":
                return Reason("being_sent", step, latest)
        return self._still_to_send(step, latest)

    def _still_to_send(self, step: int, latest: Event) -> Reason:
        halted = self._halted(step)
        if halted is not None and halted.code in ("paused", "cancelled"):
            return halted
        if latest.type == "DeliveryReturned":
            return Reason("returned", step, latest, {"reason": latest.data["reason"]})
        return Reason("waiting", step, latest)

    def _withheld(self, row: DeliveryRow, withheld: Event) -> Reason:
        """The fact that decided, where the log has it; else the decision."""
        proof = withheld.data["proof_position"]
        fact = self.past.at(proof) if proof else None
        code: Code = withheld.data["reason"]
        if fact is not None and fact.topic == withheld.topic:
            code = "already_mailed"  # by the other delivery, which is the fact
        return Reason(code, row.step, fact or withheld, {"withheld_position": withheld.position})


def _bounce(event: Event) -> dict[str, Any]:
    return {"bounce_type": event.data["bounce_type"], "hard": event.data["hard"]}

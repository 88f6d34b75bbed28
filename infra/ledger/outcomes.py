"""Outcomes: what the call meant for each delivery, what it says of addresses, and pauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID, uuid5

from domain.campaign.aggregate import Campaign
from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress, SuppressionReason
from domain.contact.decisions import replaces
from domain.contact.mailable import Note, Standing
from domain.delivery.decisions import (
    Accepted,
    Ambiguous,
    BatchOutcome,
    Closed,
    Decision,
    Held,
    Pause,
    Refused,
    Released,
    Returned,
    Verdict,
)
from domain.delivery.states import EventType, State, is_possible
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from infra.event_log import Draft
from infra.ledger.rows import ACTOR, Change, SendRow, apply, locked_rows
from infra.mailable import PostgresMailable
from infra.transactions import PostgresTransaction
from streams.effects.ports import Claim, Recipient

REASON: Final = "inactive_at_provider"
Told = tuple[EventType, Mapping[str, Any], Mapping[str, Any]]
"""Event type, the event's own data, and what changes in the row beside its state."""


def told(verdict: Verdict | Held | Decision, row: SendRow) -> Told:
    """The event of a verdict about a delivery of the batch in the row."""
    batch: dict[str, Any] = {"batch_id": row.batch_id}
    match verdict:
        case Accepted(message_id, via):
            batch |= {"message_id": message_id, "via": via}
            batch["mailbox_provider"] = row.mailbox_provider
            return "DeliveryAccepted", batch, {"message_id": message_id}
        case Refused(error_code):
            batch |= {"error_code": error_code, "mailbox_provider": row.mailbox_provider}
            return "DeliveryRefused", batch, {}
        case Returned(reason):
            batch["reason"] = reason
            return "DeliveryReturned", batch, {"batch_id": None}
        case Ambiguous(reason):
            batch["reason"] = reason
            return "DeliveryAmbiguous", batch, {}
        case Held():
            return "DeliveryHeld", batch, {}
        case Released():
            return "DeliveryReleased", batch, {"batch_id": None}
        case Closed():
            return "DeliveryClosed", batch, {}


def change(row: SendRow, verdict: Verdict | Held | Decision) -> Change | None:
    """The change, or None where the delivery's fate became known otherwise meanwhile."""
    event_type, data, after = told(verdict, row)
    if not is_possible(cast("State", row.state), event_type):
        return None
    return Change(row, event_type, data, after)


@dataclass(slots=True)
class Recording:
    """The outcome of one batch, inside one transaction."""

    transaction: PostgresTransaction
    claim: Claim
    now: datetime
    new_id: Callable[[], UUID]

    def run(self, outcome: BatchOutcome) -> list[Change]:
        """Write it all; what changed."""
        if outcome.pause is not None and self.claim.lane.kind == "campaign":
            self._pause(outcome.pause)
        connection = self.transaction.connection
        connection.execute(
            "SELECT 1 FROM state.send_batches WHERE batch_id = %s FOR UPDATE",
            (self.claim.batch_id,),
        )
        verdicts = {
            recipient.delivery_id: verdict
            for recipient, verdict in zip(self.claim.recipients, outcome.verdicts, strict=True)
        }
        changes = [
            changed
            for row in locked_rows(connection, list(verdicts))
            if row.batch_id == self.claim.batch_id
            and (changed := change(row, verdicts[row.delivery_id])) is not None
        ]
        self._suppress(
            [
                recipient
                for recipient, verdict in zip(self.claim.recipients, outcome.verdicts, strict=True)
                if isinstance(verdict, Refused) and verdict.suppress
            ]
        )
        apply(self.transaction, changes, self.now)
        settle(self.transaction, self.claim.batch_id)
        return changes

    def _meta(self, recipient: Recipient | None = None) -> Meta:
        cause = UUID(recipient.delivery_id if recipient else self.claim.batch_id)
        return Meta(
            UUID(self.claim.lane.organization_id),
            ACTOR,
            UUID(self.claim.batch_id),
            uuid5(cause, "outcome"),
            self.now,
        )

    def _pause(self, pause: Pause) -> None:
        """Stop the campaign at once; its run is told too, so that no claim slips in between."""
        campaign = self.transaction.load(Campaign, UUID(self.claim.lane.campaign_id))
        try:
            campaign.pause(self._meta(), pause.reason, pause.detail)
        except RuleViolatedError:
            return  # it is over, or was never running: nothing to stop
        self.transaction.connection.execute(
            "UPDATE state.runs SET state = 'paused' WHERE campaign_id = %s AND state = 'running'",
            (self.claim.lane.campaign_id,),
        )
        self.transaction.save(campaign)

    # --- what the provider says of addresses ------------------------------------------------

    def _suppress(self, recipients: Sequence[Recipient]) -> None:
        """Addresses that the provider has as inactive are not mailed again."""
        if not recipients:
            return
        mailable = PostgresMailable(self.transaction)
        by_address = {recipient.address_hmac: recipient for recipient in recipients}
        for address, standing in mailable.take(sorted(by_address)).items():
            if replaces(REASON, cast("SuppressionReason | None", standing.suppression)):
                stream_id = self._suppressed(by_address[address], standing)
                note = Note(address, standing.contact_id, standing.consent, REASON, stream_id)
                mailable.note_many([note])

    def _suppressed(self, recipient: Recipient, standing: Standing) -> str:
        """Record it on the contact's stream, or on one of its own; that stream's id."""
        meta = self._meta(recipient)
        delivery = UUID(recipient.delivery_id)
        if standing.contact_id is not None:
            contact = self.transaction.load(Contact, UUID(standing.contact_id))
            contact.suppress(Suppress(REASON, "answer", delivery), meta)
            self.transaction.save(contact)
            return standing.contact_id
        stream_id = str(self.new_id())
        self.transaction.add(
            Draft(
                "AddressSuppressed",
                stream_id,
                1,
                {
                    "address_hmac": recipient.address_hmac,
                    "contact_id": None,
                    "reason": REASON,
                    "delivery_id": recipient.delivery_id,
                    "origin": "answer",
                },
                self.claim.lane.organization_id,
                ACTOR,
                str(meta.correlation_id),
                str(meta.causation_id),
                self.now,
            )
        )
        return stream_id


def settle(transaction: PostgresTransaction, batch_id: str) -> None:
    """A batch is settled when nothing of it is open, else it waits to be looked up."""
    transaction.connection.execute(
        "UPDATE state.send_batches SET state = CASE WHEN EXISTS (SELECT 1 FROM state.sends"
        " WHERE batch_id = %(id)s AND state IN ('claimed', 'ambiguous'))"
        " THEN 'ambiguous' ELSE 'settled' END WHERE batch_id = %(id)s",
        {"id": batch_id},
    )

"""Outcomes: what the call meant for each delivery, what it says of addresses, and pauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID, uuid5

from domain.campaign.aggregate import Campaign
from domain.contact.commands import Suppress
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
from infra.ledger.going_on import begin_again
from infra.ledger.rows import ACTOR, Change, SendRow, apply, locked_rows
from infra.ledger.silencing import silence
from infra.transactions import PostgresTransaction
from streams.effects.ports import Claim, Recipient

_HELD: Final = """
    SELECT EXISTS (SELECT 1 FROM state.sends
        WHERE batch_id = %s AND state = 'held' AND kind = 'campaign')
"""
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


def answer(row: SendRow, batch_id: str, recipient: Recipient, verdict: Verdict) -> Change | None:
    """What the answer to a batch means for a row, which may have left that batch meanwhile.

    Then it was given up, by a look-up or by a person, and only that it was accepted after all is
    news: so nobody is mailed twice whose acceptance is known before the next call begins.
    """
    if row.batch_id != batch_id:
        if not isinstance(verdict, Accepted):
            return None
        row = row._replace(batch_id=batch_id, address_hmac=recipient.address_hmac)
    return change(row, verdict)


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
        answers = {
            recipient.delivery_id: (recipient, verdict)
            for recipient, verdict in zip(self.claim.recipients, outcome.verdicts, strict=True)
        }
        if any(isinstance(verdict, Returned) for verdict in outcome.verdicts):
            self._let_go_on()
        changes = [
            changed
            for row in locked_rows(connection, list(answers))
            if (changed := answer(row, self.claim.batch_id, *answers[row.delivery_id])) is not None
        ]
        self._suppress(
            [
                recipient
                for recipient, verdict in answers.values()
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

    def _let_go_on(self) -> None:
        """A run may be over whose held delivery turns out not to have left: it has it to send, or
        to withhold, after all. The batch is locked, so that none becomes held meanwhile."""
        held = self.transaction.connection.execute(_HELD, (self.claim.batch_id,)).fetchone()
        if held and held[0]:
            begin_again(self.transaction.connection, self.claim.lane.campaign_id)

    # --- what the provider says of addresses ------------------------------------------------

    def _suppress(self, recipients: Sequence[Recipient]) -> None:
        """Addresses that the provider has as inactive are not mailed again."""
        if not recipients:
            return
        by_address = {recipient.address_hmac: recipient for recipient in recipients}
        taken = self.transaction.mailable.take(sorted(by_address))
        for address, standing in taken.items():
            recipient = by_address[address]
            command = Suppress("inactive_at_provider", "answer", UUID(recipient.delivery_id))
            meta = self._meta(recipient)
            silence(self.transaction, address, standing, command, meta, self.new_id)


def settle(transaction: PostgresTransaction, batch_id: str) -> None:
    """A batch is settled when nothing of it is open, else it waits to be looked up."""
    transaction.connection.execute(
        "UPDATE state.send_batches SET state = CASE WHEN EXISTS (SELECT 1 FROM state.sends"
        " WHERE batch_id = %(id)s AND state IN ('claimed', 'ambiguous'))"
        " THEN 'ambiguous' ELSE 'settled' END WHERE batch_id = %(id)s",
        {"id": batch_id},
    )

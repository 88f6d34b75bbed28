"""A ledger in memory: the rules of the Postgres one, and the same table, decisions and events.

`tests/integration/sending/test_books.py` plays one script against both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import NamedTuple
from uuid import UUID

from domain.delivery.decisions import (
    BatchOutcome,
    Held,
    LookAgain,
    Pause,
    Policy,
    lease_over,
    resolve,
)
from domain.delivery.mailability import decide
from infra.ledger.outcomes import answer, change
from infra.ledger.rows import Change, SendRow
from streams.effects.ports import Claim, Lane, OpenBatch, Recipient, Route


@dataclass
class BookedBatch:
    """What state.send_batches says of a batch. Times in seconds."""

    lane: Lane
    route: Route
    lease_until: float
    resolve_at: float
    size: int
    handed_over: bool = False
    lookups: int = 0
    state: str = "open"


class Booked(NamedTuple):
    """One event of the log: position is its place in it, from 1."""

    event_type: str
    delivery_id: str
    contact_id: str
    proof_position: int = 0


@dataclass
class Books:
    """The Ledger. Each method is one transaction. `now` in seconds."""

    now: Callable[[], float]
    lease: float
    call: float
    settling: float
    rows: dict[str, SendRow] = field(default_factory=dict)
    batches: dict[str, BookedBatch] = field(default_factory=dict)
    mailable: dict[str, tuple[str, str | None, int]] = field(default_factory=dict)
    """Consent, suppression and position of the fact, by contact."""
    log: list[Booked] = field(default_factory=list)
    paused: dict[Lane, Pause] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(1))

    # --- what others do ----------------------------------------------------------------------

    def intend(self, lane: Lane, deliveries: Mapping[str, str]) -> None:
        """A row for each delivery id -> contact id, who has consented."""
        for delivery, contact in deliveries.items():
            self.rows[delivery] = SendRow(
                delivery, lane.organization_id, lane.campaign_id, 1, contact, lane.kind,
                "intended", 1, None, None, None, 0, lane.campaign_id,
            )  # fmt: skip
            self.log.append(Booked("DeliveryIntended", delivery, contact))
            self.mailable.setdefault(contact, ("granted", None, len(self.log)))

    def suppress(self, contact: str) -> None:
        """The person wants no more."""
        self.log.append(Booked("AddressSuppressed", "", contact))
        self.mailable[contact] = ("granted", "unsubscribed", len(self.log))

    # --- the Ledger --------------------------------------------------------------------------

    def waiting(self) -> Sequence[Lane]:
        found = {_lane(row) for row in self.rows.values() if row.state == "intended"}
        return sorted(found - self.paused.keys())

    def claim(self, lane: Lane, route: Route, limit: int) -> Claim:
        batch_id = str(UUID(int=next(self._ids)))
        rows = [r for r in self.rows.values() if r.state == "intended" and _lane(r) == lane]
        if lane in self.paused or not rows:
            return Claim(batch_id, lane, "", (), 0)
        changes = [self._claimed_or_withheld(row, batch_id) for row in rows[:limit]]
        claimed = [c.row for c in changes if c.event_type == "DeliveryClaimed"]
        if claimed:
            ends = self.now() + self.lease
            resolve_at = ends + self.call + self.settling
            self.batches[batch_id] = BookedBatch(lane, route, ends, resolve_at, len(claimed))
        self.apply(changes)
        people = tuple(
            Recipient(row.delivery_id, 1, row.contact_id, "p@example.com", b"", {})
            for row in claimed
        )
        return Claim(batch_id, lane, "hash", people, len(changes))

    def hand_over(self, batch_id: str) -> bool:
        batch = self.batches[batch_id]
        in_time = batch.lease_until > self.now() + self.call
        intact = len(self._of(batch_id, "claimed")) == batch.size
        if batch.state != "open" or batch.handed_over or not in_time or not intact:
            return False
        batch.handed_over = True
        return True

    def record(self, claim: Claim, outcome: BatchOutcome) -> None:
        if outcome.pause is not None:
            self.paused[claim.lane] = outcome.pause
        told = zip(claim.recipients, outcome.verdicts, strict=True)
        changes = [
            answer(self.rows[recipient.delivery_id], claim.batch_id, recipient, verdict)
            for recipient, verdict in told
        ]
        self.apply([each for each in changes if each is not None])
        self._settle(claim.batch_id)

    def expire(self) -> int:
        over = [
            batch_id
            for batch_id, batch in self.batches.items()
            if batch.state == "open" and batch.lease_until < self.now()
        ]
        for batch_id in over:
            verdict = lease_over(handed_over=self.batches[batch_id].handed_over)
            rows = self._of(batch_id, "claimed")
            self.apply([c for row in rows if (c := change(row, verdict))])
            self._settle(batch_id)
        return len(over)

    def due_lookups(self) -> Sequence[OpenBatch]:
        return [
            OpenBatch(batch_id, batch.lane.organization_id, batch.lookups, batch.route)
            for batch_id, batch in self.batches.items()
            if batch.state == "ambiguous" and batch.resolve_at <= self.now()
        ]

    def record_lookup(
        self, batch: OpenBatch, found: Mapping[str, str], policy: Policy, again_after: timedelta
    ) -> None:
        kept = self.batches[batch.batch_id]
        if (
            kept.state != "ambiguous"
            or kept.lookups != batch.lookups
            or kept.resolve_at > self.now()
        ):
            return
        kept.lookups += 1
        kept.resolve_at = self.now() + again_after.total_seconds()
        changes = []
        for row in self._of(batch.batch_id, "ambiguous"):
            resolution = resolve(found.get(row.delivery_id), kept.lookups, policy)
            if not isinstance(resolution, LookAgain) and (changed := change(row, resolution)):
                changes.append(changed)
        self.apply(changes)
        self._settle(batch.batch_id)

    def postpone(self, batch: OpenBatch, delay: timedelta) -> None:
        kept = self.batches[batch.batch_id]
        if kept.lookups == batch.lookups:
            kept.resolve_at = self.now() + delay.total_seconds()

    def hold(self, batch: OpenBatch) -> None:
        kept = self.batches[batch.batch_id]
        if (kept.state, kept.lookups) == ("ambiguous", batch.lookups):
            rows = self._of(batch.batch_id, "ambiguous")
            self.apply([c for row in rows if (c := change(row, Held()))])
            self._settle(batch.batch_id)

    # --- inside ------------------------------------------------------------------------------

    def _claimed_or_withheld(self, row: SendRow, batch_id: str) -> Change:
        consent, suppression, position = self.mailable[row.contact_id]
        if (reason := decide(consent, suppression)) is not None:
            return Change(row, "DeliveryWithheld", {"reason": reason, "proof": position}, {})
        after = {"batch_id": batch_id, "attempt": row.attempt + 1}
        return Change(row, "DeliveryClaimed", {"proof": position}, after)

    def _of(self, batch_id: str, state: str) -> list[SendRow]:
        rows = self.rows.values()
        return [row for row in rows if row.batch_id == batch_id and row.state == state]

    def apply(self, changes: Sequence[Change]) -> None:
        for each in changes:
            row = each.applied()
            self.rows[row.delivery_id] = row
            proof = each.data.get("proof", 0)
            self.log.append(Booked(each.event_type, row.delivery_id, row.contact_id, proof))

    def _settle(self, batch_id: str) -> None:
        rows = self.rows.values()
        still = any(r.batch_id == batch_id and r.state in ("claimed", "ambiguous") for r in rows)
        self.batches[batch_id].state = "ambiguous" if still else "settled"


def _lane(row: SendRow) -> Lane:
    return Lane(row.organization_id, row.campaign_id, "test" if row.kind == "test" else "campaign")

"""The send ledger as the sender and the resolver see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar, cast
from uuid import UUID

from domain.delivery.decisions import BatchOutcome, Policy
from domain.shared.faults import FaultPoint, Reach, unarmed
from infra.keys import AddressHasher
from infra.ledger import resolving
from infra.ledger.claiming import Claiming, Terms
from infra.ledger.holding import hold_back
from infra.ledger.lookbacks import LANES
from infra.ledger.outcomes import Recording
from infra.ledger.rows import Change
from infra.postgres import Connection
from infra.transactions import CommandLog, PostgresTransaction
from schemas.codec import Event
from streams.effects.ports import Claim, Lane, OpenBatch, Route

T = TypeVar("T")
_WAITING = f"""
    SELECT * FROM ({LANES}) AS lane
    WHERE NOT EXISTS (SELECT 1 FROM state.lookbacks b WHERE b.campaign_id = lane.campaign_id)
"""  # noqa: S608 - fixed text
_HAND_OVER = """
    UPDATE state.send_batches SET handed_over_at = clock_timestamp()
    WHERE batch_id = %s AND state = 'open' AND handed_over_at IS NULL
      AND lease_until > clock_timestamp() + %s
      AND size = (SELECT count(*) FROM state.sends s
          WHERE s.batch_id = send_batches.batch_id AND s.state = 'claimed')
    RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """`call`: the longest a call can take; the lease must be longer."""

    lease: timedelta
    settling: timedelta
    call: timedelta


@dataclass(slots=True)
class PostgresLedger:
    """The Ledger. Thread-safe. `on_events` is told how many events of each type were appended."""

    commands: CommandLog
    hasher: AddressHasher
    settings: LedgerSettings
    new_id: Callable[[], UUID]
    on_events: Callable[[Mapping[str, int]], None] | None = None
    reach: Reach = unarmed

    def waiting(self) -> Sequence[Lane]:
        """Where something may be claimed now."""
        with self.commands.pool.connection() as connection:
            return [Lane(*row) for row in connection.execute(_WAITING).fetchall()]

    def claim(self, lane: Lane, route: Route, limit: int) -> Claim:
        """Take deliveries under a new lease; withhold who must not be mailed.

        Over the month's quota none is taken, and the campaign waits for a person.
        """
        settings = self.settings
        terms = Terms(settings.lease, settings.lease + settings.call + settings.settling)

        held_back = 0

        def decide(transaction: PostgresTransaction) -> Claim:
            nonlocal held_back
            claiming = Claiming(
                transaction,
                lane,
                route,
                terms,
                self.hasher,
                self._decoded,
                str(self.new_id()),
                _now(transaction),
            )
            claim = claiming.run(limit)
            held_back = claiming.held_back
            return claim

        claim = self._run(lane.organization_id, decide)
        if held_back:
            self._hold_back(lane)
        return claim

    def _hold_back(self, lane: Lane) -> None:
        """A transaction of its own: whatever stops it, the next claim comes here again."""
        self._run(lane.organization_id, lambda tx: hold_back(tx, lane, _now(tx)))

    def hand_over(self, batch_id: str) -> bool:
        """Note that the call starts now; False when the lease no longer outlasts it, or something
        of the batch became known otherwise since the claim."""
        with self.commands.pool.connection() as connection:
            found = connection.execute(_HAND_OVER, (batch_id, self.settings.call)).fetchone()
        return found is not None

    def record(self, claim: Claim, outcome: BatchOutcome) -> None:
        """What became of each delivery of the claim."""

        def decide(transaction: PostgresTransaction) -> list[Change]:
            transaction.after_append(lambda: self.reach(FaultPoint.SENDER_BEFORE_COMMIT))
            return Recording(transaction, claim, _now(transaction), self.new_id).run(outcome)

        self._run(claim.lane.organization_id, decide)

    def expire(self) -> int:
        """End leases that are over; how many."""
        with self.commands.pool.connection() as connection:
            overdue = resolving.overdue(connection)
        for batch_id, organization_id in overdue:

            def decide(transaction: PostgresTransaction, batch_id: str = batch_id) -> list[Change]:
                return resolving.expire(transaction, batch_id, _now(transaction))

            self._run(organization_id, decide)
        return len(overdue)

    def due_lookups(self) -> Sequence[OpenBatch]:
        """Ambiguous batches whose time to be looked up has come."""
        with self.commands.pool.connection() as connection:
            return resolving.due(connection)

    def record_lookup(
        self, batch: OpenBatch, found: Mapping[str, str], policy: Policy, again_after: timedelta
    ) -> None:
        """What a look-up found."""

        def decide(transaction: PostgresTransaction) -> list[Change]:
            now = _now(transaction)
            return resolving.record_lookup(transaction, batch, found, policy, again_after, now)

        self._run(batch.organization_id, decide)

    def postpone(self, batch: OpenBatch, delay: timedelta) -> None:
        """Look this batch up later."""
        with self.commands.pool.connection() as connection:
            connection.execute(
                "UPDATE state.send_batches SET resolve_at = now() + %s"
                " WHERE batch_id = %s AND lookups = %s",
                (delay, batch.batch_id, batch.lookups),
            )

    def hold(self, batch: OpenBatch) -> None:
        """A person decides about what is left of it."""
        self._run(batch.organization_id, lambda tx: resolving.hold(tx, batch, _now(tx)))

    def _run(self, organization_id: str, decide: Callable[[PostgresTransaction], T]) -> T:
        result, appended = self.commands.run(UUID(organization_id), decide)
        if self.on_events is not None:
            self.on_events(Counter(event.type for event in appended))
        return result

    def _decoded(self, connection: Connection, values: Iterable[tuple[bytes, int]]) -> list[Event]:
        keys = self.commands.keys.on(connection)
        return self.commands.codec.decode_batch(values, keys)


def _now(transaction: PostgresTransaction) -> datetime:
    """The time of the events: Postgres's, moved ahead on a development stack."""
    row = transaction.connection.execute("SELECT now() + ahead FROM state.clock").fetchone()
    return cast("tuple[datetime]", row)[0]

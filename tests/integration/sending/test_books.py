"""The ledger of the simulation keeps the same books as the one in Postgres, move by move."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest

from domain.campaign.aggregate import Campaign
from domain.delivery.decisions import (
    Accepted,
    Ambiguous,
    BatchOutcome,
    Pause,
    Policy,
    Refused,
    Returned,
    Verdict,
)
from domain.delivery.ids import delivery_id
from infra.ledger.ledger import LedgerSettings, PostgresLedger
from streams.effects.ports import Claim, Lane
from tests.simulation.books import Books
from tests.support.sending import BROADCAST, World

LEASE, CALL, SETTLING, AGAIN = 70.0, 20.0, 600.0, 610.0
TICK = 20.0
"""Of the script's time. Every deadline lies between two ticks, so that the real seconds which the
test takes decide nothing."""
PEOPLE, MOVES = 12, 70


@dataclass
class Both:
    """One script on both ledgers; `now` is the script's time."""

    world: World
    lane: Lane
    rng: random.Random
    policy: Policy
    now: float = 0.0
    claims: list[Claim] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = count(1)
        self.books = Books(lambda: self.now, LEASE, CALL, SETTLING)
        self.postgres = PostgresLedger(
            self.world.core.commands,
            self.world.core.hasher,
            LedgerSettings(
                timedelta(seconds=LEASE), timedelta(seconds=SETTLING), timedelta(seconds=CALL)
            ),
            lambda: UUID(int=next(ids)),
        )

    # --- moves -------------------------------------------------------------------------------

    def claim(self) -> None:
        limit = self.rng.randint(1, 4)
        mine = self.books.claim(self.lane, BROADCAST, limit)
        theirs = self.postgres.claim(self.lane, BROADCAST, limit)
        assert [r.delivery_id for r in mine.recipients] == [
            r.delivery_id for r in theirs.recipients
        ]
        assert mine.looked_at == theirs.looked_at
        if theirs.recipients:
            assert mine.batch_id == theirs.batch_id
            self.claims.append(theirs)

    def hand_over(self) -> None:
        if self.claims:
            batch = self.rng.choice(self.claims).batch_id
            assert self.books.hand_over(batch) == self.postgres.hand_over(batch)

    def record(self) -> None:
        if not self.claims:
            return
        claim = self.rng.choice(self.claims)
        pause = Pause("provider_refused", "no") if self.rng.random() < 0.1 else None
        outcome = BatchOutcome(tuple(self._verdict() for _ in claim.recipients), pause)
        self.books.record(claim, outcome)
        self.postgres.record(claim, outcome)

    def resume(self) -> None:
        if not self.books.paused:
            return
        self.books.paused.clear()
        organization = UUID(self.lane.organization_id)
        self.world.decide(organization, self.lane.campaign_id, Campaign.resume)
        with self.world.core.pool.connection() as connection:
            connection.execute("UPDATE state.runs SET state = 'running'")

    def wait(self) -> None:
        seconds = TICK * self.rng.choice([1, 1, 2, 5, 35])
        self.now += seconds
        with self.world.core.pool.connection() as connection:
            connection.execute(
                "UPDATE state.send_batches SET lease_until = lease_until - %(s)s,"
                " resolve_at = resolve_at - %(s)s",
                {"s": timedelta(seconds=seconds)},
            )

    def expire(self) -> None:
        assert self.books.expire() == self.postgres.expire()

    def look_up(self) -> None:
        due = sorted(self.books.due_lookups(), key=lambda batch: batch.batch_id)
        assert due == sorted(self.postgres.due_lookups(), key=lambda batch: batch.batch_id)
        for batch in due:
            found = {
                row.delivery_id: f"found-{row.delivery_id}"
                for row in self.books.rows.values()
                if row.batch_id == batch.batch_id and self.rng.random() < 0.3
            }
            again = timedelta(seconds=AGAIN)
            if self.rng.random() < 0.2:
                self.books.hold(batch)
                self.postgres.hold(batch)
                continue
            self.books.record_lookup(batch, found, self.policy, again)
            self.postgres.record_lookup(batch, found, self.policy, again)

    def _verdict(self) -> Verdict:
        verdicts: list[Verdict] = [
            Accepted(f"m{self.rng.random()}"), Refused(300), Returned("x"), Ambiguous("y"),
        ]  # fmt: skip
        return self.rng.choice(verdicts)

    # --- what must be the same -----------------------------------------------------------------

    def compare(self) -> None:
        waits = any(lane == self.lane for lane in self.books.waiting())
        assert waits == any(lane == self.lane for lane in self.postgres.waiting())
        assert self._in_postgres() == self._in_books()

    def _in_books(self) -> tuple[Sequence[object], Sequence[object]]:
        rows = sorted(
            (r.delivery_id, r.state, r.version, r.batch_id, r.message_id, r.attempt)
            for r in self.books.rows.values()
        )
        batches = sorted(
            (batch_id, b.state, b.lookups, b.handed_over)
            for batch_id, b in self.books.batches.items()
        )
        return rows, batches

    def _in_postgres(self) -> tuple[Sequence[object], Sequence[object]]:
        rows = self.world.query(
            "SELECT delivery_id, state, version, batch_id, message_id, attempt FROM state.sends"
        )
        batches = self.world.query(
            "SELECT batch_id, state, lookups, handed_over_at IS NOT NULL FROM state.send_batches"
        )
        return sorted(rows), sorted(batches)


@pytest.mark.parametrize(("seed", "policy"), [(1, "resend"), (2, "resend"), (3, "hold")])
def test_both_ledgers_say_the_same_after_every_move(
    world: World, seed: int, policy: Policy
) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, PEOPLE)
    campaign = world.campaign(tenant)
    both = Both(world, Lane(str(tenant.id), campaign, "campaign"), random.Random(seed), policy)
    world.intend(tenant, campaign, contacts)
    both.books.intend(both.lane, {delivery_id(campaign, 1, c): c for c in contacts})
    moves: list[Callable[[], None]] = [
        both.claim, both.claim, both.hand_over, both.hand_over, both.record, both.resume,
        both.wait, both.wait, both.expire, both.look_up,
    ]  # fmt: skip

    for _ in range(MOVES):
        both.rng.choice(moves)()
        both.compare()

    seen = {row.state for row in both.books.rows.values()}
    assert len(seen) > 1

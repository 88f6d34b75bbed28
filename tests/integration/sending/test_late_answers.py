"""Answers that come when nobody counts on them any more: what they prove is still heard."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.delivery.decisions import (
    Accepted,
    Ambiguous,
    BatchOutcome,
    Refused,
    Released,
    Returned,
    Verdict,
)
from domain.delivery.ids import delivery_id
from infra.effects import Effects
from infra.ledger.deciding import LedgerDecisions
from infra.transactions import PostgresTransaction
from infra.worker_log import PostgresWorkerLog
from streams.agents.closing import close_run, runs_to_close
from streams.effects.ports import Claim, Lane, Ledger
from tests.support.sending import BROADCAST, World


class Frozen:
    """One delivery, handed over by a process that froze; twice not found, so it is held."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tenant = world.tenant()
        (contact,) = world.contacts(self.tenant, 1)
        self.campaign = world.campaign(self.tenant)
        world.intend(self.tenant, self.campaign, [contact])
        self.delivery = delivery_id(self.campaign, 1, contact)
        self.ledger: Ledger = Effects.of(world.core).sender.ledger
        self.lane = Lane(str(self.tenant.id), self.campaign, "campaign")
        self.first = self.claim()
        assert self.ledger.hand_over(self.first.batch_id)
        self._set("UPDATE state.send_batches SET lease_until = now() - interval '1 second'")
        assert self.ledger.expire() == 1
        for _ in range(2):
            self._set("UPDATE state.send_batches SET resolve_at = now() - interval '1 second'")
            (batch,) = self.ledger.due_lookups()
            self.ledger.record_lookup(batch, {}, "hold", timedelta(0))
        assert self.state == "held"

    def _set(self, query: str) -> None:
        with self.world.core.pool.connection() as connection:
            connection.execute(query.encode())

    def claim(self) -> Claim:
        return self.ledger.claim(self.lane, BROADCAST, 10)

    def answers(self, claim: Claim, verdict: Verdict) -> None:
        self.ledger.record(claim, BatchOutcome((verdict,)))

    def release(self) -> None:
        meta = self.world.meta(self.tenant.id)

        def decide(tx: PostgresTransaction) -> None:
            LedgerDecisions().decide(tx, UUID(self.delivery), Released(), meta)

        self.world.run(self.tenant.id, decide)

    def end_run(self, state: str) -> None:
        self._set(f"UPDATE state.runs SET state = '{state}', ended = true")  # noqa: S608

    @property
    def state(self) -> str:
        query = "SELECT state FROM state.sends WHERE delivery_id = %s"
        return str(self.world.query(query, self.delivery)[0][0])

    @property
    def types(self) -> list[str]:
        return [kind for kind, _ in self.world.events(self.delivery)]


@pytest.fixture
def frozen(world: World) -> Frozen:
    return Frozen(world)


# --- after a person let it be sent again -------------------------------------------------------


def test_an_acceptance_that_comes_after_the_release_is_seen_and_nothing_is_sent_again(
    frozen: Frozen,
) -> None:
    frozen.release()

    frozen.answers(frozen.first, Accepted("m1"))

    assert frozen.state == "accepted"
    assert frozen.claim().recipients == ()
    kind, data = frozen.world.events(frozen.delivery)[-1]
    assert (kind, data["message_id"], data["batch_id"]) == (
        "DeliveryAccepted", "m1", frozen.first.batch_id,
    )  # fmt: skip


def test_an_acceptance_that_comes_before_the_next_call_begins_stops_that_call(
    frozen: Frozen,
) -> None:
    frozen.release()
    second = frozen.claim()
    assert len(second.recipients) == 1

    frozen.answers(frozen.first, Accepted("m1"))

    assert not frozen.ledger.hand_over(second.batch_id)
    frozen.answers(second, Returned("lease_too_short"))
    assert frozen.state == "accepted"


def test_an_acceptance_that_comes_when_the_next_call_is_in_doubt_settles_it(
    frozen: Frozen,
) -> None:
    frozen.release()
    second = frozen.claim()
    assert frozen.ledger.hand_over(second.batch_id)
    frozen.answers(second, Ambiguous("http_500"))

    frozen.answers(frozen.first, Accepted("m1"))

    assert frozen.state == "accepted"


@pytest.mark.parametrize("verdict", [Returned("x"), Refused(300), Ambiguous("y")])
def test_any_other_late_answer_says_nothing_of_what_was_released(
    frozen: Frozen, verdict: Verdict
) -> None:
    frozen.release()
    before = frozen.types

    frozen.answers(frozen.first, verdict)

    assert (frozen.state, frozen.types) == ("intended", before)


# --- when the run is over ----------------------------------------------------------------------


def test_a_held_one_that_certainly_did_not_leave_is_sent_though_the_run_was_over(
    frozen: Frozen,
) -> None:
    frozen.end_run("completed")

    frozen.answers(frozen.first, Returned("rate_limited"))

    assert frozen.lane in frozen.ledger.waiting()
    frozen.answers(frozen.claim(), Accepted("m2"))
    assert frozen.state == "accepted"


def test_a_held_one_that_certainly_did_not_leave_is_withheld_when_the_run_was_cancelled(
    frozen: Frozen,
) -> None:
    frozen.end_run("cancelled")

    frozen.answers(frozen.first, Returned("rate_limited"))

    core = frozen.world.core
    log = PostgresWorkerLog(core.pool, core.codec, core.commands.writer, core.keys, "test")
    assert log.run(lambda tx: runs_to_close(tx, 5)) == [frozen.campaign]
    assert log.run(lambda tx: close_run(tx, frozen.campaign))
    assert frozen.state == "withheld"
    assert frozen.world.events(frozen.delivery)[-1][1]["reason"] == "cancelled"

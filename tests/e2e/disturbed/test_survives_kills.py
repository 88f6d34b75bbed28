"""Processes die in the middle of a campaign: nobody is mailed twice, nobody is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.shared.faults import FaultPoint
from infra.faults import Faults, Order
from tests.support.killing import Killer, wait_for_end
from tests.support.mailing import approve_campaign, import_contacts
from tests.support.surviving import aftermath, behave, misbehave
from tests.support.whole_stack import WholeStack, whole_stack

POINTS = (
    FaultPoint.SENDER_DURING_CALL,
    FaultPoint.SENDER_BEFORE_COMMIT,
    FaultPoint.RELAY_AT_COMMIT,
    FaultPoint.PROJECTOR_BEFORE_POSITION,
    FaultPoint.CLICKHOUSE_BEFORE_INSERT,
)
"""The worst moment of each process that has one; `make chaos` goes through all of them."""
GRANTED, UNKNOWN = 120, 5


@pytest.fixture
def hasty(tmp_path: Path, offline: object) -> Iterator[WholeStack]:
    """A product that finds out about lost batches after eleven seconds.

    `offline`: the model is there before, because training takes longer than such a lease.
    """
    with whole_stack(
        tmp_path,
        armed=True,
        send_rate=40,
        send_lease=timedelta(seconds=5),
        send_settling=timedelta(seconds=3),
    ) as running:
        yield running


@pytest.mark.timeout(600)
def test_each_recipient_gets_one_mail_while_processes_are_killed(hasty: WholeStack) -> None:
    tenant = hasty.new_tenant()
    misbehave(hasty, search_lag_seconds=0.5, delays={"open": (3, 60), "reopen": (3, 60)})
    faults = Faults.of(hasty.data_dir)
    position = import_contacts(tenant, GRANTED, UNKNOWN)
    campaign = approve_campaign(tenant, position)
    for point in POINTS:
        faults.arm(point, Order("kill"))

    with Killer.of(hasty, campaign) as killer:
        killer.kill("reactions")
        wait_for_end(lambda: faults.waiting() == {}, 150, "a kill at every point")
        behave(hasty)
        wait_for_end(lambda: not killer.open(), 120, "an outcome for every delivery")
        wait_for_end(killer.all_back, 120, "the return of every process")
        wait_for_end(hasty.sandbox_quiet, 120, "the end of the recipients' reactions")
        after = aftermath(hasty, tenant, killer, seconds=60)

        assert after.result.intended == GRANTED + UNKNOWN
        assert after.result.outcomes["withheld"] >= UNKNOWN
        # Webhooks may tell what was accepted before a lease is over: doubt is likely, not certain.
        assert faults.carried_out() == dict.fromkeys(POINTS, 1)
        assert killer.restarts("effects") >= 2
        after.check()

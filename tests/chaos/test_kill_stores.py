"""The stores and the provider die, and a sender freezes, while a campaign is being sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.killing import Killer, all_ready, wait_for_end
from tests.support.mailing import approve_campaign, import_contacts
from tests.support.surviving import aftermath, behave, misbehave
from tests.support.whole_stack import WholeStack, eventually, whole_stack

STORES = ("kafka", "postmark-sandbox", "clickhouse", "postgres")
"""Postgres last: it takes the account of what is open with it."""
PAUSE = 3.0
GRANTED, UNKNOWN = 400, 10


@pytest.fixture
def steady(tmp_path: Path) -> Iterator[WholeStack]:
    """A product that needs half a minute for the campaign."""
    with whole_stack(
        tmp_path,
        send_rate=15,
        send_lease=timedelta(seconds=6),
        send_settling=timedelta(seconds=5),
    ) as running:
        yield running


@pytest.mark.timeout(900)
def test_stores_die_and_a_sender_freezes_and_each_recipient_gets_one_mail(
    steady: WholeStack, show: Callable[[str], None]
) -> None:
    tenant = steady.new_tenant()
    misbehave(steady, time_scale=0.1, delays={"open": (5, 100), "reopen": (5, 60)})
    campaign = approve_campaign(tenant, import_contacts(tenant, GRANTED, UNKNOWN))

    with Killer.of(steady, campaign) as killer:
        killer.freeze("effects", with_claims=True)
        first = killer.first_claim
        eventually(lambda: killer.restarts("effects"), seconds=60, what="the end of the frozen")
        for store in STORES:
            killer.kill(store, seconds=120)
            time.sleep(PAUSE)

    wait_for_end(lambda: all_ready(steady), 180, "the return of every process")
    with Killer.of(steady, campaign, killer.kills) as killer:
        wait_for_end(lambda: not killer.open(), 300, "an outcome for every delivery")
        behave(steady)
        wait_for_end(steady.sandbox_quiet, 200, "the end of the recipients' reactions")
        after = aftermath(steady, tenant, killer, seconds=90)
        show(after.table(killer))

        last = killer.last_outcome
        assert first is not None
        assert last is not None
        assert all(first < kill.at < last for kill in killer.kills)
        assert after.result.intended == GRANTED + UNKNOWN
        after.check()

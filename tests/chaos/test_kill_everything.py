"""kill -9 of every process, again and again, while a campaign is being sent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.killing import Killer, wait_for_end
from tests.support.mailing import approve_campaign, import_contacts
from tests.support.surviving import aftermath, behave, misbehave
from tests.support.whole_stack import WholeStack, whole_stack

ROLES = ("effects", "relay", "projections", "analytics", "reactions", "api", "kafka")
ROUNDS = 3
PAUSE = 6.0
"""Seconds between two kills: shorter than most restarts take, so that several are away at once."""
GRANTED, UNKNOWN = 2_000, 40
CALMER_PEOPLE = {
    "time_scale": 0.2,
    "delays": {"open": (5, 200), "reopen": (5, 60), "click": (5, 60), "unsubscribe": (5, 60)},
}
"""The provider gives a webhook up after four tries; at this scale they span half a minute."""


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[WholeStack]:
    """A product that needs three minutes for the campaign, whatever the machine can do."""
    with whole_stack(
        tmp_path,
        send_rate=11,
        send_lease=timedelta(seconds=10),
        send_settling=timedelta(seconds=20),
    ) as running:
        yield running


@pytest.mark.timeout(1500)
def test_everything_is_killed_three_times_and_each_recipient_gets_one_mail(
    slow: WholeStack, show: Callable[[str], None]
) -> None:
    tenant = slow.new_tenant()
    misbehave(slow, **CALMER_PEOPLE)
    campaign = approve_campaign(tenant, import_contacts(tenant, GRANTED, UNKNOWN))
    began = time.monotonic()

    with Killer.of(slow, campaign) as killer:
        wait_for_end(lambda: killer.first_claim is not None, 60, "the first claim")
        for _ in range(ROUNDS):
            for role in ROLES:
                kill = killer.kill(role, with_claims=role == "effects", seconds=120)
                show(f"kill -9 {role}: {kill.claims_open} claims open, {kill.ambiguous} ambiguous")
                time.sleep(PAUSE)
        wait_for_end(lambda: not killer.open(), 600, "an outcome for every delivery")
        sending = time.monotonic() - began
        behave(slow)
        wait_for_end(killer.all_back, 120, "the return of every process")
        wait_for_end(slow.sandbox_quiet, 300, "the end of the recipients' reactions")
        after = aftermath(slow, tenant, killer, seconds=90)
        show(f"{after.table(killer)}\nseconds of sending         {sending:.0f}")

        first, last = killer.first_claim, killer.last_outcome
        assert first is not None
        assert last is not None
        assert all(first < kill.at < last for kill in killer.kills)
        assert Counter(kill.role for kill in killer.kills) == dict.fromkeys(ROLES, ROUNDS)
        with_claims = [k for k in killer.kills if k.role == "effects" and k.claims_open]
        assert len(with_claims) >= ROUNDS
        assert all(killer.restarts(role) >= ROUNDS for role in ROLES)
        assert after.result.intended == GRANTED + UNKNOWN
        assert after.result.outcomes["withheld"] >= UNKNOWN
        assert after.result.once_ambiguous.total() > 0
        after.check()

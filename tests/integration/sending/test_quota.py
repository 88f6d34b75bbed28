"""A month's quota of sends: what is over it waits with a named reason, and nobody is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from domain.campaign.aggregate import Campaign
from domain.delivery.decisions import BatchOutcome, Returned
from infra.cli.quota import change_quota
from infra.effects import Effects
from infra.ledger.holding import hold_back
from infra.ledger.ledger import PostgresLedger
from streams.effects.ports import Lane
from tests.integration.sending.conftest import Running
from tests.support.sending import BROADCAST, Tenant, World


def intended(world: World, count: int, sends: str | None) -> tuple[Tenant, str, list[str]]:
    """A running campaign with so many deliveries, and a quota for its organization."""
    tenant = world.tenant()
    contacts = world.contacts(tenant, count)
    world.project_contacts()
    campaign = world.campaign(tenant)
    if sends is not None:
        change_quota(world.core, tenant.id, None, sends)
    world.intend(tenant, campaign, contacts)
    return tenant, campaign, contacts


def ledger_of(world: World) -> PostgresLedger:
    ledger = Effects.of(world.core).sender.ledger
    assert isinstance(ledger, PostgresLedger)
    return ledger


def lane_of(tenant: Tenant, campaign: str) -> Lane:
    return Lane(str(tenant.id), campaign, "campaign")


def used(world: World, tenant: Tenant) -> int:
    return change_quota(world.core, tenant.id, None, None).sends[1]


def paused_because(world: World, tenant: Tenant, campaign: str) -> tuple[str, str]:
    found: Campaign = world.run(tenant.id, lambda tx: tx.load(Campaign, UUID(campaign)))
    return found.reason, found.reason_detail


def resume(world: World, tenant: Tenant, campaign: str) -> None:
    world.decide(tenant.id, campaign, Campaign.resume)
    world.query("UPDATE state.runs SET state = 'running' RETURNING 1")


def test_sends_over_the_quota_wait_with_a_reason_and_go_out_once_it_is_raised(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = intended(world, 5, "3")

    with running():
        world.eventually(lambda: paused_because(world, tenant, campaign)[0] != "")
        world.eventually(lambda: world.states(campaign) == {"accepted": 3, "intended": 2})
        reason, detail = paused_because(world, tenant, campaign)
        assert reason == "sends_quota_reached"
        assert "All 3 sends of" in detail
        assert used(world, tenant) == 3

        resume(world, tenant, campaign)  # nothing has changed: it is held back again
        world.eventually(lambda: paused_because(world, tenant, campaign)[0] != "")
        assert world.states(campaign) == {"accepted": 3, "intended": 2}

        change_quota(world.core, tenant.id, None, "10")
        resume(world, tenant, campaign)
        world.eventually(lambda: world.states(campaign) == {"accepted": 5})

    assert used(world, tenant) == 5
    reached = {message["to"][0] for message in world.messages(tenant)}
    assert len(reached) == len(world.messages(tenant)) == len(contacts)


def test_without_a_quota_sends_are_counted_and_none_is_held_back(world: World) -> None:
    tenant, campaign, _ = intended(world, 4, None)
    claim = ledger_of(world).claim(lane_of(tenant, campaign), BROADCAST, 500)
    assert len(claim.recipients) == 4
    assert used(world, tenant) == 4


def test_a_delivery_that_was_given_back_counts_no_longer(world: World) -> None:
    tenant, campaign, _ = intended(world, 4, "4")
    ledger, lane = ledger_of(world), lane_of(tenant, campaign)
    claim = ledger.claim(lane, BROADCAST, 3)
    assert used(world, tenant) == 3

    ledger.record(claim, BatchOutcome((Returned("not_connected"),) * 3))

    assert used(world, tenant) == 0
    assert len(ledger.claim(lane, BROADCAST, 500).recipients) == 4
    assert used(world, tenant) == 4


def test_it_counts_in_the_month_of_the_claim_and_a_new_month_is_a_new_quota(world: World) -> None:
    tenant, campaign, _ = intended(world, 4, "2")
    ledger, lane = ledger_of(world), lane_of(tenant, campaign)
    first = ledger.claim(lane, BROADCAST, 500)
    assert len(first.recipients) == 2
    assert paused_because(world, tenant, campaign)[0] == "sends_quota_reached"

    world.query("UPDATE state.clock SET ahead = interval '32 days' RETURNING 1")
    resume(world, tenant, campaign)
    assert used(world, tenant) == 0
    assert len(ledger.claim(lane, BROADCAST, 500).recipients) == 2
    ledger.record(first, BatchOutcome((Returned("not_connected"),) * 2))

    assert used(world, tenant) == 2
    counts = world.query("SELECT sends FROM state.send_counts ORDER BY month")
    assert counts == [(0,), (2,)]


def test_who_must_not_be_mailed_uses_nothing_up(world: World) -> None:
    tenant, campaign, contacts = intended(world, 3, "2")
    world.suppress(tenant, contacts[0], "unsubscribed")
    claim = ledger_of(world).claim(lane_of(tenant, campaign), BROADCAST, 500)
    assert len(claim.recipients) == 2
    assert world.states(campaign) == {"claimed": 2, "withheld": 1}
    assert paused_because(world, tenant, campaign) == ("", "")


def test_a_test_mail_is_not_counted(world: World) -> None:
    tenant, campaign, _ = intended(world, 1, "0")
    delivery = world.test_send(tenant, campaign, "somebody@example.com")
    lane = Lane(str(tenant.id), campaign, "test")
    claim = ledger_of(world).claim(lane, BROADCAST, 1)
    assert [each.delivery_id for each in claim.recipients] == [delivery]
    assert used(world, tenant) == 0


def test_a_quota_that_was_raised_meanwhile_holds_nobody_back(world: World) -> None:
    """The claim saw the old quota; the decision to hold back sees the new one."""
    tenant, campaign, _ = intended(world, 3, "10")
    lane = lane_of(tenant, campaign)
    held = world.run(tenant.id, lambda tx: hold_back(tx, lane, datetime.now(UTC)))
    assert held is False
    assert paused_because(world, tenant, campaign) == ("", "")

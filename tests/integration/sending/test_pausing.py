"""A campaign that must wait: nobody is lost by it, and it waits also while all else is behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from domain.campaign.aggregate import Campaign
from domain.delivery.ids import delivery_id
from domain.shared.meta import Meta
from infra.effects import Effects
from tests.integration.sending.conftest import Running
from tests.support.sending import BROADCAST, Tenant, World


def archive(world: World, tenant: Tenant, what: str) -> None:
    """Take the provider's stream away (`archive`) or give it back (`unarchive`)."""
    answer = httpx.post(
        f"{world.core.addresses.postmark_url}/message-streams/broadcast/{what}",
        headers={"X-Postmark-Server-Token": tenant.token},
    )
    assert answer.status_code == 200, answer.text


def test_what_the_sender_got_wrong_reaches_everybody_once_it_is_put_right(
    world: World, running: Running
) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 3)
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)
    archive(world, tenant, "archive")

    with running():
        world.eventually(lambda: bool(world.query("SELECT 1 FROM state.runs WHERE state='paused'")))
        assert world.states(campaign) == {"intended": 3}
        story = world.events(delivery_id(campaign, 1, contacts[0]))
        assert story[-1] == ("DeliveryReturned", story[-1][1] | {"reason": "sender_refused"})
        archive(world, tenant, "unarchive")
        world.decide(tenant.id, campaign, Campaign.resume)
        world.query("UPDATE state.runs SET state = 'running' RETURNING 1")
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 3}
    assert Counter(message["to"][0] for message in world.messages(tenant)) == Counter(
        f"p{n}@example.com" for n in range(3)
    )


@pytest.mark.parametrize(
    ("command", "again"), [(Campaign.pause, Campaign.resume), (Campaign.cancel, None)]
)
def test_pause_and_cancellation_hold_while_the_run_has_not_heard_of_them(
    world: World,
    command: Callable[[Campaign, Meta], object],
    again: Callable[[Campaign, Meta], object] | None,
) -> None:
    tenant = world.tenant()
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, world.contacts(tenant, 3))
    ledger = Effects.of(world.core).sender.ledger
    (lane,) = ledger.waiting()
    assert len(ledger.claim(lane, BROADCAST, 1).recipients) == 1

    world.decide(tenant.id, campaign, command)
    assert world.query("SELECT state FROM state.runs") == [("running",)]
    assert ledger.claim(lane, BROADCAST, 1).looked_at == 0
    if again is not None:
        world.decide(tenant.id, campaign, again)
        assert len(ledger.claim(lane, BROADCAST, 1).recipients) == 1

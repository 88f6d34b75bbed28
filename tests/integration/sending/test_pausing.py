"""A campaign that must wait: nobody is lost by it, and it waits also while all else is behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import httpx

from domain.campaign.aggregate import Campaign
from domain.delivery.ids import delivery_id
from domain.shared.meta import Meta
from infra.transactions import PostgresTransaction
from tests.integration.sending.conftest import Running
from tests.support.sending import Tenant, World


def decide(
    world: World, tenant: Tenant, campaign: str, command: Callable[[Campaign, Meta], object]
) -> None:
    """A person's command, of which only the log knows: no reactions run here."""

    def change(tx: PostgresTransaction) -> None:
        loaded = tx.load(Campaign, UUID(campaign))
        command(loaded, world.meta(tenant.id))
        tx.save(loaded)

    world.run(tenant.id, change)


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
        decide(world, tenant, campaign, Campaign.resume)
        world.query("UPDATE state.runs SET state = 'running' RETURNING 1")
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 3}
    assert Counter(message["to"][0] for message in world.messages(tenant)) == Counter(
        f"p{n}@example.com" for n in range(3)
    )

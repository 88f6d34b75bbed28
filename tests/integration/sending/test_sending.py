"""Sending to the real sandbox: every contact once, nobody who must not be mailed."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

import httpx

from domain.campaign.aggregate import Campaign
from domain.delivery.ids import delivery_id
from tests.integration.sending.conftest import Running
from tests.support.sending import Tenant, World


def sent_to(world: World, tenant: Tenant) -> Counter[str]:
    """How often each address was accepted."""
    return Counter(message["to"][0] for message in world.messages(tenant))


def test_every_contact_of_the_ledger_is_accepted_once(world: World, running: Running) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 1200)
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 1200}
    assert sent_to(world, tenant) == Counter({f"p{n}@example.com": 1 for n in range(1200)})
    open_batches = world.query("SELECT 1 FROM state.send_batches WHERE state <> 'settled'")
    assert open_batches == []


def test_a_message_says_what_postmark_and_the_person_need(world: World, running: Running) -> None:
    tenant = world.tenant()
    (contact,) = world.contacts(tenant, 1)
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, [contact])  # the view does not have the contact yet

    with running():
        world.eventually(lambda: world.settled(campaign))

    (message,) = world.messages(tenant)
    delivery = delivery_id(campaign, 1, contact)
    claimed = dict(world.events(delivery))["DeliveryClaimed"]
    assert message["metadata"] == {
        "delivery_id": delivery,
        "batch_id": claimed["batch_id"],
        "campaign_id": campaign,
        "campaign_part": f"{campaign}-{delivery[:2]}",
        "organization_id": str(tenant.id),
        "step": "1",
        "kind": "campaign",
    }
    assert (message["subject"], message["tag"]) == ("Fresh bread, Pat0", "win_back")
    assert (message["stream"], message["from"]) == ("broadcast", "hello@bakery.example")
    assert (message["track_opens"], message["track_links"]) == (True, "HtmlAndText")
    assert claimed["proof_position"] > 0


def test_the_events_of_a_delivery_tell_the_whole_story(world: World, running: Running) -> None:
    tenant = world.tenant()
    (contact,) = world.contacts(tenant, 1, at="gmail")
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, [contact])

    with running():
        world.eventually(lambda: world.settled(campaign))

    story = world.events(delivery_id(campaign, 1, contact))
    assert [kind for kind, _ in story] == [
        "DeliveryIntended",
        "DeliveryClaimed",
        "DeliveryAccepted",
    ]
    accepted = story[-1][1]
    assert (accepted["via"], accepted["mailbox_provider"]) == ("answer", "gmail")
    assert accepted["message_id"] == world.messages(tenant)[0]["message_id"]


def test_who_must_not_be_mailed_is_withheld_with_the_reason(world: World, running: Running) -> None:
    tenant = world.tenant()
    granted = world.contacts(tenant, 3)
    unknown = world.contacts(tenant, 1, consent="unknown", at="unknown")
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.suppress(tenant, granted[0], "complained")
    world.intend(tenant, campaign, [*granted, *unknown, str(uuid4())])
    world.suppress(tenant, granted[1], "unsubscribed")  # between intention and claim

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert sent_to(world, tenant) == {"p2@example.com": 1}
    assert world.states(campaign) == {"accepted": 1, "withheld": 4}
    reasons = [world.events(delivery_id(campaign, 1, c))[-1][1]["reason"]
               for c in (granted[0], granted[1], unknown[0])]  # fmt: skip
    assert reasons == ["complained", "unsubscribed", "no_consent"]


def test_an_address_inactive_at_the_provider_is_refused_and_suppressed(
    world: World, running: Running
) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 2)
    world.project_contacts()
    suppressed = httpx.post(
        f"{world.core.addresses.postmark_url}/message-streams/broadcast/suppressions",
        json={"Suppressions": [{"EmailAddress": "p0@example.com"}]},
        headers={"X-Postmark-Server-Token": tenant.token},
    )
    assert suppressed.status_code == 200
    first, second = world.campaign(tenant), world.campaign(tenant)
    world.intend(tenant, first, contacts)

    with running():
        world.eventually(lambda: world.settled(first))
        world.intend(tenant, second, contacts)
        world.eventually(lambda: world.settled(second))

    assert world.states(first) == {"accepted": 1, "refused": 1}
    assert world.events(delivery_id(first, 1, contacts[0]))[-1][1]["error_code"] == 406
    assert world.states(second) == {"accepted": 1, "withheld": 1}
    withheld = world.events(delivery_id(second, 1, contacts[0]))[-1][1]
    (position,) = world.query("SELECT position FROM log.events WHERE type = 'AddressSuppressed'")[0]
    assert withheld["reason"] == "inactive_at_provider"
    assert withheld["proof_position"] == position
    # The message that was refused is no mail to p0.
    assert sent_to(world, tenant) == {"p1@example.com": 2}


def test_a_batch_the_provider_refuses_is_returned_and_the_campaign_paused(
    world: World, running: Running
) -> None:
    tenant = world.tenant(token="no-such-token")
    contacts = world.contacts(tenant, 3)
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)

    with running():
        world.eventually(lambda: bool(world.query("SELECT 1 FROM state.runs WHERE state='paused'")))

    assert world.states(campaign) == {"intended": 3}
    loaded = world.run(tenant.id, lambda tx: tx.load(Campaign, UUID(campaign)))
    assert loaded.status == "paused"
    story = world.events(delivery_id(campaign, 1, contacts[0]))
    assert story[-1][0] == "DeliveryReturned"
    assert story[-1][1]["reason"] == "http_401"


def test_a_pause_or_cancellation_takes_effect_before_the_next_batch(
    world: World, running: Running
) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 40)
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.query("UPDATE state.runs SET state = 'paused' RETURNING 1")
    world.intend(tenant, campaign, contacts)

    with running(send_rate=20):
        world.eventually(lambda: world.states(campaign) == {"intended": 40})
        world.query("UPDATE state.runs SET state = 'running' RETURNING 1")
        world.eventually(lambda: world.states(campaign)["accepted"] == 20)
        world.query("UPDATE state.runs SET state = 'cancelled' RETURNING 1")

    assert len(world.messages(tenant)) <= 40
    assert world.states(campaign)["accepted"] == len(world.messages(tenant))


def test_nothing_is_sent_before_it_is_known_who_makes_the_unsubscribe_link(
    world: World, running: Running
) -> None:
    waiting, ready = world.tenant(handling=None), world.tenant()
    campaigns = []
    for tenant in (waiting, ready):
        contacts = world.contacts(tenant, 2)
        campaigns.append(world.campaign(tenant))
        world.intend(tenant, campaigns[-1], contacts)

    with running():
        world.eventually(lambda: world.settled(campaigns[1]))

    assert world.states(campaigns[0]) == {"intended": 2}
    assert world.messages(waiting) == []


def test_a_stream_that_leaves_unsubscribing_to_us_gets_our_link_and_headers(
    world: World, running: Running
) -> None:
    tenant = world.tenant(handling="Custom")
    contacts = world.contacts(tenant, 1)
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)

    with running():
        world.eventually(lambda: world.settled(campaign))

    url = world.core.addresses.postmark_url
    message_id = world.messages(tenant)[0]["message_id"]
    mail = httpx.get(f"{url}/sandbox/messages/{message_id}").json()
    headers = {header["Name"]: header["Value"] for header in mail["headers"]}
    link = headers["List-Unsubscribe"].strip("<>")
    assert link.startswith(f"{world.core.settings.base_url}/u/")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["X-NudgeCampaign-ID"] == campaign
    assert link in mail["html"]


def test_a_test_mail_goes_to_anybody_but_the_suppressed(world: World, running: Running) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 1)
    world.suppress(tenant, contacts[0], "unsubscribed")
    campaign = world.campaign(tenant)
    world.query("UPDATE state.runs SET state = 'paused' RETURNING 1")  # tests go out all the same
    stranger = world.test_send(tenant, campaign, "Owner@Bakery.example")
    silent = world.test_send(tenant, campaign, "p0@example.com")

    with running():
        world.eventually(lambda: world.settled(campaign))

    (message,) = world.messages(tenant)
    assert (message["to"], message["subject"]) == (
        ["Owner@Bakery.example"],
        "[Test] Fresh bread, friend",
    )
    assert world.events(stranger)[-1][0] == "DeliveryAccepted"
    assert world.events(silent)[-1][1]["reason"] == "unsubscribed"


def test_two_processes_at_once_send_nothing_twice(world: World, running: Running) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 1500)
    world.project_contacts()
    campaigns = [world.campaign(tenant), world.campaign(tenant)]
    for campaign in campaigns:
        world.intend(tenant, campaign, contacts)

    with running(), running():
        world.eventually(lambda: all(world.settled(campaign) for campaign in campaigns))

    deliveries = Counter(m["metadata"]["delivery_id"] for m in world.messages(tenant))
    assert (len(deliveries), set(deliveries.values())) == (3000, {1})

"""What goes wrong at the provider and in our process: nobody twice, nobody forgotten."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from domain.delivery.ids import delivery_id
from infra.effects import Effects
from infra.settings import Settings
from tests.integration.sending.conftest import Running
from tests.support.sending import BROADCAST, Tenant, World
from tests.support.services import environment_of

PEOPLE = 60


def ready_to_send(world: World, people: int = PEOPLE) -> tuple[Tenant, str, list[str]]:
    """A campaign with a ledger row for each of its contacts."""
    tenant = world.tenant()
    contacts = world.contacts(tenant, people)
    world.project_contacts()
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)
    return tenant, campaign, contacts


def assert_each_once(world: World, tenant: Tenant, people: int = PEOPLE) -> None:
    addresses = Counter(message["to"][0] for message in world.messages(tenant))
    assert (len(addresses), set(addresses.values())) == (people, {1})


def test_a_batch_whose_answer_is_lost_is_found_by_search_and_not_sent_again(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world)
    world.behave(faults={"timeout_after_accept": 1.0})

    with running():
        world.eventually(lambda: world.states(campaign) == {"ambiguous": PEOPLE})
        world.behave(faults={"timeout_after_accept": 0.0})
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": PEOPLE}
    assert_each_once(world, tenant)
    story = world.events(delivery_id(campaign, 1, contacts[0]))
    assert [kind for kind, _ in story[2:]] == ["DeliveryAmbiguous", "DeliveryAccepted"]
    assert story[-1][1]["via"] == "search"


def test_a_batch_in_doubt_is_looked_up_at_the_server_it_went_to(
    world: World, running: Running
) -> None:
    tenant, campaign, _ = ready_to_send(world)
    world.behave(faults={"timeout_after_accept": 1.0})

    with running():
        world.eventually(lambda: world.states(campaign) == {"ambiguous": PEOPLE})
        moved = world.another_server(tenant)
        world.behave(faults={"timeout_after_accept": 0.0})
        world.eventually(lambda: world.settled(campaign))
        (later,) = world.contacts(tenant, 1, at="later")
        world.intend(tenant, campaign, [later])
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": PEOPLE + 1}
    assert_each_once(world, tenant)
    assert [message["to"] for message in world.messages(moved)] == [["p0@later.com"]]


def test_a_batch_that_was_never_taken_is_sent_again_after_two_empty_looks(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world)
    world.behave(faults={"error_500": 1.0})

    with running():
        world.eventually(lambda: world.states(campaign) == {"ambiguous": PEOPLE})
        world.behave(faults={"error_500": 0.0})
        world.eventually(lambda: world.settled(campaign))

    assert_each_once(world, tenant)
    story = dict(world.events(delivery_id(campaign, 1, contacts[0])))
    assert story["DeliveryReturned"]["reason"] == "not_found"
    assert story["DeliveryClaimed"]["attempt"] == 2
    assert world.query("SELECT max(lookups) FROM state.send_batches") == [(2,)]


def test_with_the_policy_hold_a_person_decides(world: World, running: Running) -> None:
    tenant, campaign, _ = ready_to_send(world, 3)
    world.behave(faults={"error_500": 1.0})

    with running(ambiguous_policy="hold"):
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"held": 3}
    assert world.messages(tenant) == []


@pytest.mark.parametrize("fault", ["rate_limit", "maintenance"])
def test_what_certainly_sent_nothing_is_tried_again(
    world: World, running: Running, fault: str
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 5)
    world.behave(faults={fault: 1.0})
    returned = "SELECT 1 FROM log.events WHERE type = 'DeliveryReturned'"

    with running():
        world.eventually(lambda: bool(world.query(returned)))
        world.behave(faults={fault: 0.0})
        world.eventually(lambda: world.settled(campaign))

    assert_each_once(world, tenant, 5)
    kinds = {kind for kind, _ in world.events(delivery_id(campaign, 1, contacts[0]))}
    assert "DeliveryAmbiguous" not in kinds


@pytest.mark.parametrize("point", ["claimed", "handed_over", "answered"])
def test_a_process_killed_at_any_point_sends_nothing_twice_and_forgets_nobody(
    world: World, running: Running, settings: Settings, point: str
) -> None:
    tenant, campaign, contacts = ready_to_send(world)
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stalling_effects", point],
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == point
    child.kill()
    child.wait()
    assert world.states(campaign) == {"claimed": PEOPLE}

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": PEOPLE}
    assert_each_once(world, tenant)
    kinds = [kind for kind, _ in world.events(delivery_id(campaign, 1, contacts[0]))]
    ambiguous = "DeliveryAmbiguous" in kinds
    assert ambiguous is (point != "claimed")


def test_a_call_is_not_begun_when_the_lease_would_end_during_it(world: World) -> None:
    _, campaign, _ = ready_to_send(world, 2)
    ledger = Effects.of(world.core).sender.ledger
    lane = ledger.waiting()[0]
    late, timely = (ledger.claim(lane, BROADCAST, 1) for _ in range(2))
    world.query(
        "UPDATE state.send_batches SET lease_until = now() + interval '900 ms'"
        " WHERE batch_id = %s RETURNING 1",
        late.batch_id,
    )

    assert not ledger.hand_over(late.batch_id)  # a call may take a second here
    assert ledger.hand_over(timely.batch_id)
    assert not ledger.hand_over(timely.batch_id)  # nor is one begun twice
    assert world.states(campaign) == {"claimed": 2}


def test_no_claim_is_above_the_unsubscribe_of_its_contact(world: World, running: Running) -> None:
    tenant, campaign, contacts = ready_to_send(world, 300)

    with running(send_rate=120):
        for contact in contacts[::3]:
            world.suppress(tenant, contact, "unsubscribed")
        world.eventually(lambda: world.settled(campaign))

    positions = world.query(
        "SELECT c.position, u.position FROM log.events u JOIN state.sends s"
        " ON s.contact_id = u.stream_id AND u.type = 'AddressSuppressed'"
        " LEFT JOIN log.events c ON c.stream_id = s.delivery_id AND c.type = 'DeliveryClaimed'"
    )
    assert len(positions) == 100
    assert all(claimed is None or claimed < silent for claimed, silent in positions)
    states = world.states(campaign)
    assert states["withheld"] == sum(claimed is None for claimed, _ in positions) > 0
    assert_each_once(world, tenant, states["accepted"])

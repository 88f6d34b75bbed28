"""A person decides about held deliveries: sent again once, or not any more, or too late."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.delivery.decisions import Closed, Decision, Released
from domain.delivery.ids import delivery_id
from domain.shared.errors import NotFoundError, RuleViolatedError
from infra.ledger.deciding import LedgerDecisions
from tests.integration.sending.conftest import Running
from tests.integration.sending.test_faults import ready_to_send
from tests.support.sending import Tenant, World


def decide(world: World, tenant: Tenant, delivery: str, decision: Decision) -> None:
    meta = world.meta(tenant.id)
    world.run(tenant.id, lambda tx: LedgerDecisions().decide(tx, UUID(delivery), decision, meta))


def held(world: World, running: Running, people: int) -> tuple[Tenant, str, list[str]]:
    """A campaign that is over, whose deliveries were lost at the provider and are held."""
    tenant, campaign, contacts = ready_to_send(world, people)
    world.behave(faults={"error_500": 1.0})
    with running(ambiguous_policy="hold"):
        world.eventually(lambda: world.settled(campaign))
    world.behave(faults={"error_500": 0.0})
    assert world.states(campaign) == {"held": people}
    return tenant, campaign, [delivery_id(campaign, 1, contact) for contact in contacts]


def end_run(world: World, campaign: str, state: str) -> None:
    with world.core.pool.connection() as connection:
        connection.execute(
            "UPDATE state.runs SET state = %s, ended = true WHERE campaign_id = %s",
            (state, campaign),
        )


def test_what_is_released_is_sent_once_also_when_the_campaign_is_over(
    world: World, running: Running
) -> None:
    tenant, campaign, (again, never, waits) = held(world, running, 3)
    end_run(world, campaign, "completed")

    decide(world, tenant, again, Released())
    decide(world, tenant, never, Closed())
    with running(ambiguous_policy="hold"):
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 1, "withheld": 1, "held": 1}
    assert len(world.messages(tenant)) == 1
    kinds = [kind for kind, _ in world.events(again)]
    assert kinds[-3:] == ["DeliveryReleased", "DeliveryClaimed", "DeliveryAccepted"]
    assert world.events(never)[-1][0] == "DeliveryClosed"
    assert world.events(waits)[-1][0] == "DeliveryHeld"


def test_a_decision_is_recorded_with_who_made_it(world: World, running: Running) -> None:
    tenant, _, (delivery,) = held(world, running, 1)

    decide(world, tenant, delivery, Released())

    (row,) = world.query(
        "SELECT bytes, position FROM log.events WHERE stream_id = %s ORDER BY version DESC LIMIT 1",
        delivery,
    )
    (event,) = world.core.codec.decode_batch([(bytes(row[0]), row[1])], None)
    assert (event.type, event.actor) == ("DeliveryReleased", "test")


def test_a_person_who_unsubscribed_meanwhile_is_not_mailed_after_a_release(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 1)
    world.behave(faults={"error_500": 1.0})
    with running(ambiguous_policy="hold"):
        world.eventually(lambda: world.settled(campaign))
    world.behave(faults={"error_500": 0.0})

    world.suppress(tenant, contacts[0], "unsubscribed")
    decide(world, tenant, delivery_id(campaign, 1, contacts[0]), Released())
    with running(ambiguous_policy="hold"):
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"withheld": 1}
    assert world.messages(tenant) == []


@pytest.mark.parametrize("decision", [Released(), Closed()])
def test_only_what_is_held_can_be_decided(
    world: World, running: Running, decision: Decision
) -> None:
    tenant, _, (delivery,) = held(world, running, 1)
    decide(world, tenant, delivery, decision)

    with pytest.raises(RuleViolatedError, match="only a held one"):
        decide(world, tenant, delivery, decision)
    with pytest.raises(NotFoundError):
        decide(world, tenant, str(UUID(int=7)), decision)


def test_nothing_of_a_cancelled_campaign_is_sent_again(world: World, running: Running) -> None:
    tenant, campaign, (delivery,) = held(world, running, 1)
    end_run(world, campaign, "cancelled")

    with pytest.raises(RuleViolatedError, match="cancelled"):
        decide(world, tenant, delivery, Released())
    decide(world, tenant, delivery, Closed())

    assert world.states(campaign) == {"withheld": 1}

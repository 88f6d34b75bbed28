"""A campaign runs: approved, expanded for exactly its audience, in steps, to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.campaign.aggregate import Campaign
from domain.workflow.aggregate import Workflow
from infra.transactions import PostgresTransaction
from tests.integration.reactions.conftest import World

DAY = timedelta(days=1)


def workflow_of(world: World, campaign: str) -> str:
    return str(
        world.rows("SELECT workflow_id FROM state.runs WHERE campaign_id = %s", campaign)[0][0]
    )


def state_of(world: World, campaign: str) -> tuple[str, bool]:
    query = "SELECT state, ended FROM state.runs WHERE campaign_id = %s"
    state, ended = world.rows(query, campaign)[0]
    return state, ended


def test_an_approved_campaign_intends_exactly_its_audience(world: World) -> None:
    contacts = world.contacts(25)
    campaign = world.approved()

    world.run()

    sends = world.sends(campaign)
    assert set(sends) == set(contacts)
    assert all(world.types(delivery) == ["DeliveryIntended"] for delivery, _ in sends.values())
    assert world.types(campaign)[-1] == "SendingStarted"
    assert world.types(workflow_of(world, campaign)) == [
        "WorkflowGenerated", "WorkflowRunStarted", "StepScheduled", "StepExpanded",
    ]  # fmt: skip


def test_a_large_audience_is_intended_in_chunks_each_contact_once(world: World) -> None:
    contacts = world.contacts(1850)
    campaign = world.approved()

    world.run()

    assert set(world.sends(campaign)) == set(contacts)
    (row,) = world.rows(
        "SELECT intended, state FROM state.run_steps WHERE campaign_id = %s", campaign
    )
    assert row == (1850, "expanded")


def test_an_audience_waits_for_the_contacts_view(world: World) -> None:
    world.contacts(3)
    campaign = world.approved()
    held_back = world.batches.news()
    for batch in held_back:
        if batch.topic in world.reactions.topics:
            world.reactions.handle(batch)

    world.timers.round()
    assert world.sends(campaign) == {}

    for batch in held_back:
        if batch.topic in world.views.topics:
            world.views.handle(batch)
    world.run()
    assert len(world.sends(campaign)) == 3


def test_a_campaign_is_sent_when_every_delivery_has_an_outcome(world: World) -> None:
    world.contacts(3)
    campaign = world.approved()
    world.run()
    assert state_of(world, campaign) == ("running", False)

    world.settle(campaign)
    world.run()

    assert world.types(campaign)[-1] == "CampaignSent"
    assert world.types(workflow_of(world, campaign))[-1] == "WorkflowRunEnded"
    assert state_of(world, campaign) == ("completed", True)


def test_a_scheduled_campaign_starts_when_its_time_has_come(world: World) -> None:
    world.contacts(2)
    campaign = world.approved(schedule_at=datetime.now(UTC) + DAY)
    world.run()
    assert world.sends(campaign) == {}

    world.advance(DAY)
    world.run()

    assert len(world.sends(campaign)) == 2


def test_a_drip_goes_to_the_same_people_each_after_its_delay(world: World) -> None:
    contacts = world.contacts(4)
    campaign = world.approved(delays=(timedelta(), DAY, 2 * DAY))
    world.run()
    world.settle(campaign)
    latecomers = world.contacts(2, name="late")
    world.run()
    assert world.sends(campaign, 2) == {}

    world.advance(DAY)
    world.run()
    assert set(world.sends(campaign, 2)) == set(contacts)
    assert not set(world.sends(campaign, 2)) & set(latecomers)

    world.settle(campaign)
    world.advance(2 * DAY)
    world.run()
    assert set(world.sends(campaign, 3)) == set(contacts)
    world.settle(campaign)
    world.run()
    assert state_of(world, campaign) == ("completed", True)


def test_a_cancelled_campaign_withholds_what_is_not_claimed(world: World) -> None:
    world.contacts(5)
    campaign = world.approved()
    world.run()
    claimed = min(delivery for delivery, _ in world.sends(campaign).values())
    world.sql.execute("UPDATE state.sends SET state = 'claimed' WHERE delivery_id = %s", (claimed,))

    world.change(campaign, lambda c: c.cancel(world.meta()))
    world.run()

    states = sorted(state for _, state in world.sends(campaign).values())
    assert states == ["claimed", *["withheld"] * 4]
    assert state_of(world, campaign) == ("cancelled", False)

    world.sql.execute(
        "UPDATE state.sends SET state = 'accepted' WHERE delivery_id = %s", (claimed,)
    )
    world.run()
    assert state_of(world, campaign) == ("cancelled", True)
    assert world.types(workflow_of(world, campaign))[-1] == "WorkflowRunEnded"


def test_a_campaign_changed_after_its_approval_sends_nothing_until_approved_again(
    world: World,
) -> None:
    world.contacts(2)
    campaign = world.approved(schedule_at=datetime.now(UTC) + DAY)
    world.run()
    revise(world, campaign)
    world.advance(DAY)
    world.run()
    assert world.sends(campaign) == {}

    world.change(campaign, lambda c: c.approve(c.content_hash, world.meta()))
    world.run()

    assert len(world.sends(campaign)) == 2


def revise(world: World, campaign: str) -> None:
    from dataclasses import replace

    from domain.campaign.decisions import workflow_graph

    def decide(tx: PostgresTransaction) -> None:
        loaded = tx.load(Campaign, UUID(campaign))
        content = replace(loaded.content, schedule_at=datetime.now(UTC) + timedelta(minutes=1))
        graph = workflow_graph(content, version=2)
        loaded.revise(content, graph, world.meta())
        workflow = tx.load(Workflow, loaded.workflow_id)
        workflow.regenerated(graph, world.meta())
        tx.save(loaded, workflow)

    world.commands.run(world.organization, decide)


def test_a_paused_campaign_expands_nothing_until_resumed(world: World) -> None:
    world.contacts(2)
    campaign = world.approved(schedule_at=datetime.now(UTC) + DAY)
    world.change(campaign, lambda c: c.pause(world.meta()))
    world.run()
    world.advance(DAY)
    world.run()
    assert world.sends(campaign) == {}

    world.change(campaign, lambda c: c.resume(world.meta()))
    world.run()

    assert len(world.sends(campaign)) == 2


def test_an_external_orchestrator_begins_every_step_itself(world: World) -> None:
    contacts = world.contacts(3)
    campaign = world.approved(delays=(timedelta(), DAY), orchestrator="external")
    world.run()
    assert world.sends(campaign) == {}

    for step in (1, 2):
        call_step(world, campaign, step)
        call_step(world, campaign, step)
        world.run()
        assert set(world.sends(campaign, step)) == set(contacts)


def call_step(world: World, campaign: str, step: int) -> None:
    def decide(tx: PostgresTransaction) -> None:
        workflow = tx.load(Workflow, tx.load(Campaign, UUID(campaign)).workflow_id)
        workflow.schedule_step(step, datetime.now(UTC), world.meta())
        tx.save(workflow)

    world.commands.run(world.organization, decide)


def test_a_batch_that_comes_again_changes_nothing(world: World) -> None:
    world.contacts(3)
    world.approved()
    batches = world.batches.news()
    for _ in range(2):
        for batch in batches:
            for handler in (world.views, world.reactions):
                if batch.topic in handler.topics:
                    handler.handle(batch)
    world.run()

    (count,) = world.rows("SELECT count(*) FROM log.events WHERE type = 'WorkflowRunStarted'")[0]
    assert count == 1

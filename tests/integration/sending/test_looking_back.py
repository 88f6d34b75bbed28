"""Campaigns of a restored log: what left after the backup is found, and never sent again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from domain.delivery.decisions import Released
from domain.delivery.ids import delivery_id
from domain.delivery.lookback import NOT_LOOKED_BACK, SEARCHABLE, part_of
from domain.organization.quotas import Quota, month_of
from infra.cli.main import application
from infra.effects import Effects
from infra.ledger.lookbacks import mark_campaigns, waiting
from infra.local.child import child_environment
from infra.quotas import set_quota
from infra.settings import Settings
from infra.telemetry import pipeline_status
from tests.integration.sending.conftest import Running
from tests.integration.sending.test_faults import ready_to_send
from tests.integration.sending.test_held import decide, held
from tests.support.sending import BROADCAST, HTML, Tenant, World
from tests.support.services import free_port

NOW = datetime.now(UTC)


def mark(world: World, since: datetime = NOW) -> None:
    with world.core.pool.connection() as connection:
        mark_campaigns(connection, since)


def marked(world: World) -> int:
    return len(world.query("SELECT 1 FROM state.lookbacks"))


def waits() -> float | None:
    """What the metric says."""
    return REGISTRY.get_sample_value("nudge_lookbacks_waiting")


def sent_unknown(
    world: World,
    tenant: Tenant,
    campaign: str,
    deliveries: Sequence[str],
    *,
    to: str | None = None,
    kind: str = "campaign",
) -> dict[str, str]:
    """What left and was forgotten with the log: sent from outside; message ids by delivery.

    `to`: the address, else one that no contact has.
    """
    found = {}
    for first in range(0, len(deliveries), 500):
        part, batch = deliveries[first : first + 500], str(uuid4())
        body = [
            {
                "From": "hello@bakery.example",
                "To": to or f"d{delivery}@elsewhere.com",
                "Subject": "Fresh bread",
                "HtmlBody": HTML,
                "MessageStream": "broadcast",
                "Metadata": {
                    "delivery_id": delivery,
                    "batch_id": batch,
                    "campaign_id": campaign,
                    "campaign_part": part_of(campaign, delivery),
                    "organization_id": str(tenant.id),
                    "step": "1",
                    "kind": kind,
                },
            }
            for delivery in part
        ]
        answer = httpx.post(
            f"{world.core.addresses.postmark_url}/email/batch",
            json=body,
            headers={"X-Postmark-Server-Token": tenant.token},
            timeout=60,
        )
        ids = [item["MessageID"] for item in answer.json()]
        found.update(dict(zip(part, ids, strict=True)))
    return found


def assert_sent_once(world: World, tenant: Tenant, campaign: str) -> None:
    """Each delivery left once, and the ledger has its message id."""
    messages = world.messages(tenant)
    theirs = {m["metadata"]["delivery_id"]: m["message_id"] for m in messages}
    assert len(theirs) == len(messages)
    rows = world.query(
        "SELECT delivery_id, message_id FROM state.sends WHERE campaign_id = %s"
        " AND state = 'accepted'",
        campaign,
    )
    assert dict(rows) == theirs


def test_what_had_left_is_accepted_without_a_call_and_the_rest_goes_out(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world)
    deliveries = [delivery_id(campaign, 1, contact) for contact in contacts]
    gone = sent_unknown(world, tenant, campaign, deliveries[::2])
    with world.core.pool.connection() as connection:
        set_quota(connection, str(tenant.id), Quota(sends_a_month=len(deliveries)))
    mark(world)

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": len(contacts)}
    assert_sent_once(world, tenant, campaign)
    story = world.events(deliveries[0])
    assert [kind for kind, _ in story] == ["DeliveryIntended", "DeliveryAccepted"]
    assert (story[1][1]["message_id"], story[1][1]["via"]) == (gone[deliveries[0]], "search")
    assert marked(world) == 0
    assert world.query("SELECT month, sends FROM state.send_counts") == [
        (month_of(datetime.now(UTC)), len(contacts))
    ]
    batches = world.query("SELECT size, state, connection FROM state.send_batches ORDER BY size")
    assert (len(gone), "settled", 2) in batches, batches


def test_who_unsubscribed_since_is_not_mailed_but_what_had_left_is_told_as_it_was(
    world: World, running: Running
) -> None:
    tenant, campaign, (reached, spared) = ready_to_send(world, 2)
    sent_unknown(world, tenant, campaign, [delivery_id(campaign, 1, reached)])
    for contact in (reached, spared):
        world.suppress(tenant, contact, "unsubscribed")
    mark(world)

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 1, "withheld": 1}
    assert_sent_once(world, tenant, campaign)


def test_what_is_intended_again_after_the_look_is_not_sent_again(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 4)
    later = world.contacts(tenant, 2, at="later")
    deliveries = [delivery_id(campaign, 1, contact) for contact in [*contacts[:2], *later]]
    sent_unknown(world, tenant, campaign, deliveries)
    mark(world)

    with running():
        world.eventually(lambda: world.settled(campaign))
        world.intend(tenant, campaign, later)
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 6}
    assert_sent_once(world, tenant, campaign)


def test_a_person_who_is_another_contact_now_is_not_mailed_again(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 3)
    before = delivery_id(campaign, 1, str(uuid4()))
    sent_unknown(world, tenant, campaign, [before], to="P0@example.com")
    sent_unknown(world, tenant, campaign, [str(uuid4())], to="p1@example.com", kind="test")
    mark(world)

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 3}
    to = Counter(message["to"][0].lower() for message in world.messages(tenant))
    assert to == {"p0@example.com": 1, "p1@example.com": 2, "p2@example.com": 1}
    kinds = [kind for kind, _ in world.events(delivery_id(campaign, 1, contacts[0]))]
    assert kinds == ["DeliveryIntended", "DeliveryAccepted"]


def test_nothing_is_claimed_while_the_provider_cannot_be_asked(
    world: World, running: Running, settings: Settings
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 3)
    test = world.test_send(tenant, campaign, "owner@bakery.example")
    deliveries = [delivery_id(campaign, 1, contacts[0]), test]
    sent_unknown(world, tenant, campaign, deliveries)
    mark(world)

    def problem() -> bool:
        return world.query("SELECT problem <> '' FROM state.lookbacks") == [(True,)]

    with running(postmark_url=f"http://127.0.0.1:{free_port()}"):
        world.eventually(problem)
        world.eventually(lambda: waits() == 1)
        (told,) = pipeline_status(settings)["looking_back"]
        assert (told["campaign_id"], bool(told["problem"])) == (campaign, True)
    assert world.states(campaign) == {"intended": 4}

    with running():
        world.eventually(lambda: world.settled(campaign))
        world.eventually(lambda: waits() == 0)

    assert world.states(campaign) == {"accepted": 4}
    assert_sent_once(world, tenant, campaign)


def looks(settings: Settings, *arguments: str) -> Any:
    """`nudge backup looks` beside a running product."""
    environment = {**child_environment(settings), "COLUMNS": "200"}
    command = application(["infra.cli.backup"])
    return CliRunner(env=environment).invoke(command, ["backup", "looks", *arguments])


def test_a_server_that_lets_nobody_in_is_waited_for_until_an_operator_says_it_was_the_same(
    world: World, running: Running, settings: Settings
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 2)
    sent_unknown(world, tenant, campaign, [delivery_id(campaign, 1, contacts[0])])
    world.another_server(tenant, token=str(uuid4()))
    mark(world)

    with running():
        world.eventually(
            lambda: world.query("SELECT problem <> '' FROM state.lookbacks") == [(True,)]
        )
    assert world.states(campaign) == {"intended": 2}
    assert json.loads(looks(settings, "--json").stdout)["items"][0]["campaign_id"] == campaign

    world.another_server(tenant, token=tenant.token)
    assert looks(settings, "--same-server", str(uuid4())).exit_code == 1
    assert looks(settings, "--same-server", str(tenant.id)).exit_code == 0
    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 2}
    assert_sent_once(world, tenant, campaign)


def test_both_servers_are_asked_when_another_was_connected_since(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 3)
    first, second, third = (delivery_id(campaign, 1, contact) for contact in contacts)
    before = datetime.now(UTC) - timedelta(hours=1)
    sent_unknown(world, tenant, campaign, [first])
    moved = world.another_server(tenant)
    sent_unknown(world, moved, campaign, [second])
    mark(world, before)

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 3}
    left = Counter(
        message["metadata"]["delivery_id"]
        for server in (tenant, moved)
        for message in world.messages(server)
    )
    assert left == Counter([first, second, third])


def test_the_look_waits_as_long_as_the_search_may_lag(world: World, running: Running) -> None:
    tenant, campaign, contacts = ready_to_send(world, 5)
    world.behave(search_lag_seconds=2.0)
    deliveries = [delivery_id(campaign, 1, contact) for contact in contacts]
    sent_unknown(world, tenant, campaign, deliveries)
    mark(world)

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 5}
    assert_sent_once(world, tenant, campaign)


def test_more_messages_than_the_search_lists_are_all_found(world: World, running: Running) -> None:
    tenant, campaign, contacts = ready_to_send(world, 6)
    deliveries = [delivery_id(campaign, 1, contact) for contact in contacts]
    others = [str(uuid4()) for _ in range(SEARCHABLE)]
    sent_unknown(world, tenant, campaign, [*deliveries[:3], *others])  # the oldest come last
    mark(world)

    with running():
        world.eventually(lambda: world.settled(campaign), 300)

    assert world.states(campaign) == {"accepted": 6}
    assert world.query("SELECT count(*) FROM state.sent_before") == [(SEARCHABLE + 3,)]
    kinds = [world.events(delivery)[1][0] for delivery in deliveries]
    assert kinds == ["DeliveryAccepted"] * 3 + ["DeliveryClaimed"] * 3


def test_a_backup_older_than_the_providers_memory_pauses_the_campaign_with_the_reason(
    world: World, running: Running
) -> None:
    tenant, campaign, _ = ready_to_send(world, 2)
    mark(world, datetime.now(UTC) - timedelta(days=60))
    paused = "SELECT bytes, position FROM log.events WHERE type = 'CampaignPaused'"

    with running():
        world.eventually(lambda: bool(world.query(paused)))

    rows = [(bytes(value), position) for value, position in world.query(paused)]
    (event,) = world.core.codec.decode_batch(rows, world.core.keys)
    assert event.data["reason"] == NOT_LOOKED_BACK
    assert "Cancel it" in event.data["detail"]
    assert world.states(campaign) == {"intended": 2}
    assert world.messages(tenant) == []
    assert marked(world) == 1


def test_a_held_delivery_that_had_been_released_since_is_not_sent_twice(
    world: World, running: Running
) -> None:
    tenant, campaign, (again, fresh) = held(world, running, 2)
    sent_unknown(world, tenant, campaign, [again])
    mark(world)
    for delivery in (again, fresh):
        decide(world, tenant, delivery, Released())

    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 2}
    assert_sent_once(world, tenant, campaign)


def test_a_process_that_ends_between_look_and_claim_changes_nothing(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world)
    deliveries = [delivery_id(campaign, 1, contact) for contact in contacts]
    sent_unknown(world, tenant, campaign, deliveries[:20])
    mark(world)
    lost = Effects.of(world.core)  # its steps are run by hand, and it is never heard of again

    world.eventually(lost.lookback.step)
    assert marked(world) == 0
    assert world.states(campaign) == {"intended": len(contacts)}
    with running():
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": len(contacts)}
    assert_sent_once(world, tenant, campaign)


def test_a_second_restore_looks_back_as_far_as_the_first_one_had_to(
    world: World, running: Running
) -> None:
    tenant, campaign, contacts = ready_to_send(world, 4)
    deliveries = [delivery_id(campaign, 1, contact) for contact in contacts]
    first, second = NOW - timedelta(days=3), NOW
    mark(world, first)
    mark(world, second)
    assert world.query("SELECT since, route, part FROM state.lookbacks") == [(first, 0, -1)]

    sent_unknown(world, tenant, campaign, deliveries[:1])
    with running():
        world.eventually(lambda: world.settled(campaign))
    mark(world, second)
    assert world.query("SELECT since FROM state.lookbacks") == [(second,)]
    with running():
        more = world.contacts(tenant, 1, at="more")
        sent_unknown(world, tenant, campaign, [delivery_id(campaign, 1, more[0])])
        world.intend(tenant, campaign, more)
        world.eventually(lambda: world.settled(campaign))

    assert world.states(campaign) == {"accepted": 5}
    assert_sent_once(world, tenant, campaign)


@pytest.mark.parametrize("kind", ["campaign", "test"])
def test_a_claim_finds_nothing_as_long_as_its_campaign_is_marked(world: World, kind: str) -> None:
    tenant, campaign, _ = ready_to_send(world, 1)
    world.test_send(tenant, campaign, "owner@bakery.example")
    ledger = Effects.of(world.core).sender.ledger
    (lane,) = (lane for lane in ledger.waiting() if lane.kind == kind)
    mark(world)

    assert ledger.waiting() == []
    assert ledger.claim(lane, BROADCAST, 10).looked_at == 0
    with world.core.pool.connection() as connection:
        assert [each.campaign_id for each in waiting(connection)] == [campaign]

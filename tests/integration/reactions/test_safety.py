"""Processes that die, run twice or come late: nobody is intended twice and nobody is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from domain.campaign.commands import RequestTest
from streams.agents.reactions import Reactions
from streams.agents.timers import Timers, run_timers
from streams.ports import TransientError
from tests.integration.reactions.conftest import World
from tests.integration.reactions.webhook_bodies import Postbox, body

_LATER = (psycopg.OperationalError, PoolTimeout, TransientError)


def insist(act: Callable[[], object]) -> None:
    """As the guard does: again after transient trouble."""
    while True:
        try:
            act()
        except _LATER:
            time.sleep(0.01)
        else:
            return


def test_connections_that_die_at_any_moment_lose_and_double_nothing(world: World) -> None:
    contacts = world.contacts(2000)
    campaign = world.approved()
    batches = world.batches.news()

    def kill() -> None:
        for n in range(40):
            time.sleep(0.01 * (1 + n % 8))  # short and long lives: deaths at every stage
            world.sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'test' AND datname = current_database()"
            )

    for batch in batches:
        if batch.topic in world.views.topics:
            world.views.handle(batch)
    killer = threading.Thread(target=kill)
    killer.start()
    for batch in batches:
        if batch.topic in world.reactions.topics:
            insist(lambda batch=batch: world.reactions.handle(batch))  # type: ignore[misc]
    while killer.is_alive():
        insist(world.timers.round)
    insist(world.run)

    sends = world.sends(campaign)
    assert set(sends) == set(contacts)
    (events,) = world.rows("SELECT count(*) FROM log.events WHERE type = 'DeliveryIntended'")[0]
    assert events == len(contacts)
    assert world.types(campaign).count("SendingStarted") == 1


def test_two_processes_at_once_intend_each_contact_once(world: World) -> None:
    contacts = world.contacts(2000)
    campaigns = [world.approved() for _ in range(3)]
    news = world.batches.news()
    for batch in news:
        if batch.topic in world.views.topics:
            world.views.handle(batch)
    batches = [batch for batch in news if batch.topic in world.reactions.topics]
    stop = threading.Event()

    def process() -> None:
        reactions = Reactions(world.log, world.codec, world.addresses)
        for batch in batches:
            insist(lambda batch=batch: reactions.handle(batch))  # type: ignore[misc]
        timers = Timers(
            world.log, world.addresses, world.letters, world.timers.unknown_message_wait
        )
        run_timers(timers, lambda: psycopg.connect(world.url, autocommit=True), stop, every=0.05)

    processes = [threading.Thread(target=process) for _ in range(2)]
    for each in processes:
        each.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _all_expanded(world, 3):
        time.sleep(0.05)
    stop.set()
    for each in processes:
        each.join()

    for campaign in campaigns:
        assert set(world.sends(campaign)) == set(contacts)
        assert world.types(campaign).count("SendingStarted") == 1
    (events,) = world.rows("SELECT count(*) FROM log.events WHERE type = 'DeliveryIntended'")[0]
    assert events == 3 * len(contacts)


def _all_expanded(world: World, steps: int) -> bool:
    query = "SELECT count(*) FROM state.run_steps WHERE state = 'expanded'"
    return bool(world.rows(query) == [(steps,)])


def test_webhooks_handled_by_two_processes_are_recorded_once(world: World) -> None:
    world.contacts(40)
    campaign = world.approved()
    world.run()
    bodies = [
        body("Bounce", f"c-{n}@example.com", str(uuid4()), delivery, ID=n, Type="HardBounce")
        for n, (delivery, _) in enumerate(world.sends(campaign).values())
    ]
    batch = Postbox(world.organization).batch(bodies * 3)
    threads = [
        threading.Thread(target=insist, args=(lambda: world.reactions.handle(batch),))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for event in ("Bounced", "DeliveryAccepted", "AddressSuppressed"):
        query = "SELECT count(*) FROM log.events WHERE type = %s"
        assert world.rows(query, event) == [(40,)]


def test_a_record_that_was_put_aside_is_passed_over(world: World) -> None:
    postbox = Postbox(world.organization)
    world.reactions.skip(postbox.batch([b"nonsense"]))

    assert world.reactions.next_offsets([("postmark-webhooks", 0)]) == {("postmark-webhooks", 0): 1}


@pytest.mark.parametrize("times", [1, 2])
def test_a_test_send_is_intended_once_for_the_reference(world: World, times: int) -> None:
    campaign = world.campaign()
    command = RequestTest(uuid4(), uuid4(), "ada@example.com")
    world.change(str(campaign.id), lambda c: c.request_test(command, world.meta()))
    batches = world.batches.news()
    for batch in [b for b in batches if b.topic in world.reactions.topics] * times:
        world.reactions.handle(batch)

    query = "SELECT delivery_id, contact_id, kind, state FROM state.sends"
    expected = (str(command.delivery_id), str(command.reference), "test", "intended")
    assert world.rows(query) == [expected]
    assert world.types(str(command.delivery_id)) == ["DeliveryIntended"]

"""Back up, send, restore the backup, resume: nobody is mailed twice, nobody is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.campaign.aggregate import Campaign
from domain.delivery.decisions import Released
from domain.delivery.ids import delivery_id
from domain.shared.meta import Meta
from infra.backup.saving import back_up
from infra.backup.stores import running_stores
from infra.bootstrap import Core
from infra.settings import Settings
from tests.conftest import Database
from tests.integration.backup.test_backup import run_restore
from tests.integration.sandbox.conftest import SandboxProcess
from tests.integration.sending.conftest import QUIET, running_effects
from tests.integration.sending.test_held import decide
from tests.support.ledger_truth import ledger_differences
from tests.support.sending import SHORT, Tenant, World, settings_for
from tests.support.services import settings_on_free_ports


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("resuming-sandbox"))
    yield process
    process.stop()


@pytest.fixture
def settings(database: Database, sandbox: SandboxProcess, tmp_path: Path) -> Settings:
    (tmp_path / "old").mkdir()
    return settings_for(database, sandbox.url, tmp_path / "old", **SHORT)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    core = Core.of(settings, "effects")
    made = World(core)
    made.behave(**QUIET)
    yield made
    core.pool.close()


def resume(campaign: Campaign, meta: Meta) -> None:
    campaign.resume(meta)


def backed_up(world: World, folder: Path) -> tuple[str, str]:
    log, keys = folder / "log", folder / "keys"
    back_up(world.core, log, keys, lambda _: None)
    return str(log), str(keys)


def held_and_released_later(
    world: World, settings: Settings, tenant: Tenant, contacts: list[str]
) -> tuple[str, str]:
    """A campaign of one delivery that is held; its id and the delivery's."""
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)
    world.behave(faults={"error_500": 1.0})
    with running_effects(settings.model_copy(update={"ambiguous_policy": "hold"})):
        world.eventually(lambda: world.states(campaign) == {"held": 1})
    world.behave(faults={"error_500": 0.0})
    return campaign, delivery_id(campaign, 1, contacts[0])


def assert_all_as_sent(world: World, tenant: Tenant) -> None:
    """Sandbox, ledger, history and read model know the same messages, each delivery's once."""
    messages = world.messages(tenant)
    assert set(Counter(m["metadata"]["delivery_id"] for m in messages).values()) == {1}
    theirs = {m["metadata"]["delivery_id"]: ("accepted", m["message_id"]) for m in messages}
    ledger = world.query("SELECT delivery_id, state, message_id FROM state.sends")
    assert {delivery: tuple(rest) for delivery, *rest in ledger} == theirs
    world.project("delivery-events")
    view = world.query("SELECT id, state, message_id FROM views.deliveries")
    assert {delivery: tuple(rest) for delivery, *rest in view} == theirs
    rows = world.query("SELECT bytes, position FROM log.events ORDER BY position")
    events = world.core.codec.decode_batch([(bytes(v), p) for v, p in rows], world.core.keys)
    with world.core.pool.connection() as connection:
        assert ledger_differences(connection, events) == []


def test_after_a_restore_everybody_is_mailed_exactly_once(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 60)
    world.project_contacts()
    other, lost = held_and_released_later(world, settings, tenant, contacts[:1])
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts[:40])
    test = world.test_send(tenant, campaign, "owner@bakery.example")
    backup = backed_up(world, tmp_path)
    world.intend(tenant, campaign, contacts[40:50])
    decide(world, tenant, lost, Released())
    with running_effects(settings):
        world.eventually(lambda: world.settled(campaign) and world.settled(other))
    assert len(world.messages(tenant)) == 52
    there = settings_on_free_ports(
        tmp_path / "new", postmark_url=settings.postmark_url, send_rate=0, **SHORT
    )

    done = run_restore(there, *backup, "--without-ledger")

    assert done.exit_code == 0, (done.output, done.stderr, done.exc_info)
    core = Core.of(there, "effects")
    restored = World(core)
    with running_stores(there, core.addresses):
        restored.project_contacts()
        assert restored.states(campaign) == {"intended": 41}
        with running_effects(there):
            restored.eventually(lambda: restored.states(campaign)["accepted"] == 1)  # the test
            assert restored.events(test)[-1][1]["via"] == "search"
            for paused in (campaign, other):
                restored.decide(tenant.id, paused, resume)
            decide(restored, tenant, lost, Released())
            restored.intend(tenant, campaign, contacts[40:])
            restored.eventually(lambda: restored.settled(campaign) and restored.settled(other))
        assert restored.states(campaign) == {"accepted": 61}
        assert len(restored.messages(tenant)) == 62
        assert_all_as_sent(restored, tenant)
        core.pool.close()


def test_a_restore_that_keeps_running_looks_for_nothing(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 3)
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)
    backup = backed_up(world, tmp_path)
    there = settings_on_free_ports(
        tmp_path / "new", postmark_url=settings.postmark_url, send_rate=0, **SHORT
    )

    done = run_restore(there, *backup, "--without-ledger", "--keep-running")

    assert done.exit_code == 0, (done.output, done.stderr, done.exc_info)
    core = Core.of(there, "effects")
    restored = World(core)
    with running_stores(there, core.addresses):
        assert restored.query("SELECT count(*) FROM state.lookbacks") == [(0,)]
        with running_effects(there):
            restored.eventually(lambda: restored.settled(campaign))
        kinds = [kind for kind, _ in restored.events(delivery_id(campaign, 1, contacts[0]))]
        assert kinds == ["DeliveryIntended", "DeliveryClaimed", "DeliveryAccepted"]
        core.pool.close()

"""Webhooks registered at the real sandbox: both streams, once, again when the server was away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from domain.organization.aggregate import Organization
from tests.integration.sending.conftest import Running
from tests.support.sending import Tenant, World


def connected(world: World, token: str | None = None) -> Tenant:
    """An organization whose webhooks are to be registered."""
    tenant = world.tenant(handling=None, token=token)
    world.query(
        "INSERT INTO state.registration_tasks (organization_id, version) VALUES (%s, 2)"
        " RETURNING 1",
        tenant.id,
    )
    return tenant


def webhooks(world: World, tenant: Tenant) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{world.core.addresses.postmark_url}/webhooks",
        headers={"X-Postmark-Server-Token": tenant.token},
    )
    found: list[dict[str, Any]] = answer.json()["Webhooks"]
    return found


def handling(world: World, tenant: Tenant) -> dict[str, str]:
    loaded: Organization = world.run(tenant.id, lambda tx: tx.load(Organization, tenant.id))
    return loaded.unsubscribe_handling


def task_state(world: World, tenant: Tenant) -> str:
    return str(
        world.query(
            "SELECT state FROM state.registration_tasks WHERE organization_id = %s", tenant.id
        )[0][0]
    )


def test_both_streams_post_everything_to_us(world: World, running: Running) -> None:
    tenant = connected(world)

    with running():
        world.eventually(lambda: task_state(world, tenant) == "done")

    assert handling(world, tenant) == {"broadcast": "Postmark", "outbound": "None"}
    registered = webhooks(world, tenant)
    assert {hook["MessageStream"] for hook in registered} == {"broadcast", "outbound"}
    for hook in registered:
        assert hook["Url"] == f"{world.core.settings.base_url}/v1/webhooks/postmark"
        assert hook["HttpAuth"] == {"Username": "hook", "Password": "secret"}
        assert all(trigger["Enabled"] for trigger in hook["Triggers"].values())


def test_registering_again_changes_what_is_there_and_adds_nothing(
    world: World, running: Running
) -> None:
    tenant = connected(world)
    with running():
        world.eventually(lambda: task_state(world, tenant) == "done")
        before = webhooks(world, tenant)
        httpx.put(
            f"{world.core.addresses.postmark_url}/webhooks/{before[0]['ID']}",
            json={"HttpAuth": {"Username": "hook", "Password": "an old one"}},
            headers={"X-Postmark-Server-Token": tenant.token},
        )
        world.query("UPDATE state.registration_tasks SET state = 'waiting', next_try = now()"
                    " RETURNING 1")  # fmt: skip
        world.eventually(lambda: task_state(world, tenant) == "done")

    assert webhooks(world, tenant) == before


def test_a_refused_registration_is_told_and_not_tried_again(world: World, running: Running) -> None:
    tenant = connected(world, token="no-such-token")

    with running():
        world.eventually(lambda: task_state(world, tenant) == "failed")

    (value,) = world.query("SELECT bytes FROM log.events WHERE type = 'WebhookRegistrationFailed'")[
        0
    ]
    event = world.core.codec.decode(bytes(value), 0, world.core.keys)
    assert event.data["reason"] == "http_401"
    assert "token" in event.data["detail"]


def test_while_the_provider_is_away_it_is_tried_again(world: World, running: Running) -> None:
    tenant = connected(world)
    away = world.core.settings.model_copy(update={"postmark_url": "http://127.0.0.1:1"})

    with running(postmark_url=away.postmark_url):
        world.eventually(lambda: _attempts(world, tenant.id) >= 1)
        world.eventually(lambda: task_state(world, tenant) == "waiting")
    with running():
        world.eventually(lambda: task_state(world, tenant) == "done")

    assert set(handling(world, tenant)) == {"broadcast", "outbound"}


def _attempts(world: World, organization_id: UUID) -> int:
    return int(
        world.query(
            "SELECT attempts FROM state.registration_tasks WHERE organization_id = %s",
            organization_id,
        )[0][0]
    )

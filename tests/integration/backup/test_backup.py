"""Back up, erase, wipe, restore: nothing is lost, and who was erased stays erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from api.people import Visit
from domain.people.errors import NotAdmittedError
from infra.backup.manifest import BackupError
from infra.backup.pruning import prune
from infra.backup.saving import back_up
from infra.backup.stores import running_stores
from infra.bootstrap import Core
from infra.cli.main import application
from infra.kafka import consumer_config
from infra.leaving.checking import in_postgres
from infra.local.child import child_environment
from infra.master_keys import fresh_key, write_keys
from infra.people.wiring import people_of
from infra.postgres import connect
from infra.settings import Settings
from tests.conftest import Database
from tests.integration.api.test_campaign_actions import approved
from tests.integration.erasure.test_erasing import say
from tests.support.api import Api, running_api
from tests.support.people import Entrance
from tests.support.services import Services, settings_on_free_ports

_EVENTS = "SELECT position, stream_id, version, type, bytes FROM log.events ORDER BY position"


@pytest.fixture
def api(stack: Services, database: Database) -> Iterator[Api]:
    with running_api(stack, database) as running:
        yield running


def fetch(url: str, query: str, *params: Any) -> list[tuple[Any, ...]]:
    with connect(url) as connection:
        return connection.execute(query.encode(), params).fetchall()


def source(api: Api) -> Core:
    """The product that is backed up, as a command sees it."""
    return Core(api.worker.settings, api.worker.addresses, "cli")


def in_the_middle(api: Api, campaign: dict[str, Any]) -> None:
    """As the reactions leave things: a run goes on, one partition is handled, another is not."""
    with connect(api.worker.addresses.postgres_worker_url) as connection:
        connection.execute(
            "INSERT INTO state.positions (consumer, topic, partition, next_offset, position)"
            " VALUES ('reactions', 'campaign-events', 0, 77, 1000000),"
            " ('reactions', 'contact-events', 1, 5, 0), ('reactions', 'postmark-webhooks', 0, 9, 0)"
        )
        connection.execute(
            "INSERT INTO state.runs (campaign_id, organization_id, workflow_id, state,"
            " orchestrator, content_hash, approval_position, workflow_version, steps,"
            " correlation_id, causation_id) VALUES (%(id)s, %(org)s, %(workflow)s, 'running',"
            " 'built_in', %(hash)s, 1, 1, 1, %(id)s, %(id)s)",
            {
                "id": campaign["id"],
                "org": api.tenant.organization_id,
                "workflow": campaign["workflow"]["id"],
                "hash": campaign["content_hash"],
            },
        )


def run_restore(settings: Settings, *arguments: str) -> Any:
    """`nudge restore` in the environment of another installation."""
    environment = {**child_environment(settings), "COLUMNS": "200"}
    given = ["restore", *arguments]
    return CliRunner(env=environment).invoke(application(["infra.cli.backup"]), given)


def is_over(core: Core, refresh_token: str) -> bool:
    """Whether the session of this token is."""
    visit = Visit(uuid4(), datetime.now(UTC), "127.0.0.1", "browser")
    try:
        people_of(core, lambda: datetime.now(UTC)).entrance.refresh(refresh_token, visit)
    except NotAdmittedError:
        return True
    return False


def records_in(bootstrap: str, topic: str) -> int:
    """Events on a topic: its ends, without the markers of transactions."""
    consumer = Consumer(consumer_config(bootstrap, enable_partition_eof=True))
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
    found, ended = 0, 0
    while ended < len(partitions):
        message = consumer.poll(10)
        assert message is not None
        if message.error() is None:
            found += 1
        else:
            ended += 1
    consumer.close()
    return found


def test_a_backup_whose_keys_nobody_could_open_any_more_is_refused(
    api: Api, tmp_path: Path
) -> None:
    master_keys, product = tmp_path / "master.key", source(api)
    master_keys.write_bytes(product.addresses.master_key_file.read_bytes())
    addresses = replace(product.addresses, master_key_file=master_keys)

    def meanwhile(what: str) -> None:
        if what == "keys":  # the snapshot was taken before
            write_keys(master_keys, (fresh_key(),))

    with pytest.raises(BackupError, match="a master key was retired meanwhile"):
        back_up(Core(product.settings, addresses, "cli"), tmp_path / "l", tmp_path / "k", meanwhile)

    assert not (tmp_path / "l").exists()
    assert not (tmp_path / "k").exists()


def test_back_up_erase_wipe_restore(api: Api, tmp_path: Path) -> None:
    ada = api.contact("ada@example.com", first_name="Ada", last_name="Lovelace")
    bob = api.contact("bob@example.com", first_name="Bob")
    campaign = approved(api)
    in_the_middle(api, campaign)
    approved(api, name="approved, and no reaction has heard of it yet")
    waiting = say(api, "yes, send it")
    rosa = Entrance(api).sign_up()
    cookie = str(rosa.browser.cookies["nudge_refresh"])
    core, old = source(api), api.worker.addresses
    log, keys = tmp_path / "backup-log", tmp_path / "backup-keys"
    saved = back_up(core, log, keys, lambda _: None)
    stored = fetch(old.postgres_owner_url, _EVENTS)
    assert rosa.browser.post("/v1/auth/logout").status_code == 204
    late = api.contact("late@example.com")
    for contact in (ada, late):
        assert api.request("DELETE", f"/v1/contacts/{contact}?erase=true").status_code == 200
    ledger = tmp_path / "ledger.ndjson"
    ledger.write_bytes(old.erasure_ledger_file.read_bytes())
    settings = settings_on_free_ports(tmp_path / "new")

    done = run_restore(settings, str(log), str(keys), "--ledger", str(ledger), "--json")

    assert done.exit_code == 0, (done.output, done.stderr)
    report = json.loads(done.stdout)
    assert report["events"] == saved.manifest.events == len(stored)
    assert (report["erased_again"], report["sessions_ended"]) == (1, 1)
    assert (report["paused"], report["unanswered"], report["looking_back"]) == (2, 1, 2)
    new = Core.of(settings, "cli")
    with running_stores(settings, new.addresses):
        restored = fetch(new.addresses.postgres_owner_url, _EVENTS)
        assert restored[: len(stored)] == stored
        assert [row[3] for row in restored[len(stored) :]] == [
            "AddressSuppressed", "ContactErased", "SessionEnded", "IntentRecognized", "ReplyGiven",
            "CampaignPaused", "CampaignPaused",
        ]  # fmt: skip
        assert {str(row[1]) for row in restored if row[3] == "ReplyGiven"} == {waiting}
        known = new.keys.keys_of([ada, bob, late])
        assert known == {bob: core.keys.keys_of([bob])[bob]}
        silent = fetch(
            new.addresses.postgres_owner_url,
            "SELECT address_hmac FROM log.mailable WHERE suppression = 'erased'",
        )
        wanted = {core.hasher(f"{name}@example.com") for name in ("ada", "late")}
        assert {bytes(address) for (address,) in silent} >= wanted
        values = [(row[4], row[0]) for row in restored if str(row[1]) == str(campaign["id"])]
        assert new.codec.decode_batch(values, new.keys)[0].data["name"]
        assert sum(
            records_in(new.addresses.kafka_bootstrap, topic)
            for topic in {new.codec.registry.topic_of[row[3]] for row in restored}
        ) == len(restored)
        placed = fetch(
            new.addresses.postgres_owner_url,
            "SELECT consumer, topic, next_offset > 0 FROM state.positions ORDER BY topic",
        )
        assert [row[:2] for row in placed] == [
            ("reactions", "campaign-events"), ("reactions", "contact-events"),
        ]  # fmt: skip
        assert is_over(new, cookie)
        assert new.erasures.of_contact(connect(new.addresses.postgres_worker_url), ada)
        new.pool.close()

    again = run_restore(settings, str(log), str(keys), "--ledger", str(ledger))
    assert again.exit_code == 1
    assert "restore into an empty folder" in again.stderr
    assert prune(keys, {ada, late}, core.signer) == 1
    core.pool.close()


def test_an_organization_that_left_stays_away_after_a_restore(api: Api, tmp_path: Path) -> None:
    leaving, bob = api.new_tenant(), api.contact("bob@example.com", first_name="Bob")
    staying, api.tenant = api.tenant, leaving
    ada = api.contact("ada@example.com", first_name="Ada")
    approved(api, name="approved before its organization left")
    say(api, "yes, send it")
    identity = leaving.organization_id
    core, old = source(api), api.worker.addresses
    log, keys = tmp_path / "backup-log", tmp_path / "backup-keys"
    back_up(core, log, keys, lambda _: None)
    stored = fetch(old.postgres_owner_url, _EVENTS)
    deleted = api.request("DELETE", f"/v1/organization?confirm={identity}")
    assert deleted.status_code == 200, deleted.text
    ledger = tmp_path / "ledger.ndjson"
    ledger.write_bytes(old.erasure_ledger_file.read_bytes())
    settings = settings_on_free_ports(tmp_path / "new")

    done = run_restore(settings, str(log), str(keys), "--ledger", str(ledger), "--json")

    assert done.exit_code == 0, (done.output, done.stderr)
    report = json.loads(done.stdout)
    assert (report["departed_again"], report["paused"], report["unanswered"]) == (1, 0, 0)
    new = Core.of(settings, "cli")
    with running_stores(settings, new.addresses):
        restored = fetch(new.addresses.postgres_owner_url, _EVENTS)
        assert restored[: len(stored)] == stored
        assert [row[3] for row in restored[len(stored) :]] == ["OrganizationDeleted"]
        known = new.keys.keys_of([ada, bob, identity, staying.organization_id])
        assert set(known) == {bob, staying.organization_id}
        with new.pool.connection() as connection:
            assert not any(in_postgres(connection, identity).values())
            assert in_postgres(connection, staying.organization_id)["keys"] > 1
        again = new.departures.certificate(UUID(identity))["certificate"]
        assert again["deleted_at"] == deleted.json()["certificate"]["deleted_at"]
        new.pool.close()
    assert prune(keys, {identity}, core.signer) == deleted.json()["certificate"]["keys_destroyed"]
    core.pool.close()


def test_a_restore_without_ledger_must_be_said(api: Api, tmp_path: Path) -> None:
    core = source(api)
    back_up(core, tmp_path / "log", tmp_path / "keys", lambda _: None)
    settings = settings_on_free_ports(tmp_path / "new")
    done = run_restore(settings, str(tmp_path / "log"), str(tmp_path / "keys"))
    assert done.exit_code == 1
    assert "the erasure ledger is not at" in done.stderr
    assert not (tmp_path / "new" / "postgres").exists()
    core.pool.close()


def test_a_backup_that_fails_leaves_nothing(api: Api, tmp_path: Path) -> None:
    core = source(api)
    broken = Core(
        core.settings,
        replace(
            core.addresses,
            postgres_admin_url=make_conninfo(
                core.addresses.postgres_admin_url or "", user="nobody"
            ),
        ),
        "cli",
    )
    with pytest.raises(BackupError, match="pg_dump"):
        back_up(broken, tmp_path / "log", tmp_path / "keys", lambda _: None)
    assert list(tmp_path.iterdir()) == []
    back_up(core, tmp_path / "log", tmp_path / "keys", lambda _: None)
    with pytest.raises(BackupError, match="is there already"):
        back_up(core, tmp_path / "log", tmp_path / "keys2", lambda _: None)
    assert not (tmp_path / "keys2").exists()
    core.pool.close()


def test_a_login_that_row_level_security_binds_can_back_up_too(api: Api, tmp_path: Path) -> None:
    api.contact("ada@example.com")
    core = source(api)
    external = Core(core.settings, replace(core.addresses, postgres_admin_url=None), "cli")
    saved = back_up(external, tmp_path / "log", tmp_path / "keys", lambda _: None)
    assert saved.manifest.events == len(fetch(core.addresses.postgres_owner_url, _EVENTS))
    assert saved.key_bytes > 0
    external.pool.close()
    core.pool.close()

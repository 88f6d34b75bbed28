"""An organization is deleted: nothing of it opens or comes back, and nobody else is touched."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import sql

from domain.security.events import Fact
from domain.security.recording import record
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from infra.erasure.certificate import CertificateError
from infra.key_traffic import PostgresKeyTraffic
from infra.leaving.certificate import read_certificate
from infra.leaving.checking import STAYS, in_postgres, leftovers
from infra.leaving.sweeping import rows_in, sweep_postgres, tables
from infra.postgres import connect
from projections.postgres.views import ALL_VIEWS
from projections.verify.rows import ViewCheck
from tests.integration.leaving.conftest import Ask, Deletion, House
from tests.support.api import Tenant
from tests.support.isolation.belongings import Belongings

KEYS = "SELECT count(*) FROM log.subject_keys WHERE organization_id = %s AND wrapped IS NOT NULL"


def test_a_deleted_organization_is_gone_and_the_other_is_not_touched(
    house: House, deletion: Deletion
) -> None:
    assert house.left(house.leaving) == {}
    assert deletion.before["keys"] > 5
    assert deletion.others_after == deletion.others_before
    stays = house.api.get("/v1/organization", key=house.staying.tenant.api_key)
    assert stays.status_code == 200


def test_nobody_is_deleted_without_being_named(deletion: Deletion) -> None:
    assert set(deletion.refused.values()) == {422}
    assert len(deletion.refused) == 5
    assert deletion.refusals_left == deletion.before


def test_the_certificate_says_what_stays_and_its_signature_holds(
    house: House, deletion: Deletion
) -> None:
    statement = read_certificate(deletion.document, house.api.core.signer.public_key)
    kept = {each["type"]: each["events"] for each in statement["events"]}
    assert statement["keys_destroyed"] == deletion.before["keys"]
    assert kept["OrganizationDeleted"] == 1
    assert sum(kept.values()) >= deletion.events_before + 1  # refusals are events, too
    again = house.api.worker.departures.certificate(uuid.UUID(statement["organization_id"]))
    assert again == deletion.document
    assert house.api.core.departures.ledger.find(statement["organization_id"]) == again


def test_a_certificate_that_was_changed_or_is_no_deletions_is_refused(deletion: Deletion) -> None:
    changed = {**deletion.document, "certificate": {**deletion.document["certificate"]}}
    changed["certificate"]["keys_destroyed"] += 1
    with pytest.raises(CertificateError, match="changed"):
        read_certificate(changed)
    with pytest.raises(CertificateError, match="another installation"):
        read_certificate(deletion.document, b"k" * 32)
    with pytest.raises(CertificateError, match="no certificate"):
        read_certificate({"certificate": {}})


def test_no_key_of_it_opens_a_door_any_more(
    house: House, deletion: Deletion, ask_to_delete: Ask
) -> None:
    assert deletion.document
    key = house.leaving.tenant.api_key
    assert house.api.get("/v1/organization", key=key).status_code == 401
    identity = house.leaving.tenant.organization_id
    assert ask_to_delete(f"?confirm={identity}").status_code == 401


def test_what_comes_in_late_makes_no_rows_and_no_keys(house: House, deletion: Deletion) -> None:
    assert deletion.document
    house.api.tenant, staying = house.leaving.tenant, house.api.tenant
    late = house.story.contacts("late", 1)[0]
    house.api.tenant = staying
    house.story.rest()

    whose = Belongings(house.api, house.leaving)
    key = "SELECT wrapped FROM log.subject_keys WHERE subject_id = %s"
    assert whose.query(key, late) == [(None,)]
    assert {place.partition(".")[0] for place in house.left(house.leaving)} <= {"postgres:log"}
    sweep_postgres(house.api.worker.pool.connection, whose.organization_id)
    assert house.left(house.leaving) == {}


def test_what_was_under_way_is_told_and_ends_nothing(house: House, deletion: Deletion) -> None:
    organization = uuid.UUID(deletion.document["certificate"]["organization_id"])
    worker, key = house.api.worker, uuid.uuid4()
    now = datetime.now(UTC)
    meta = Meta(organization, f"key:{key}", key, key, now)
    fact = Fact("key_used", str(key))
    worker.keys.forget()  # as every process does that is notified

    with pytest.raises(RuleViolatedError, match="was deleted"):
        worker.commands.run(organization, lambda tx: record(tx, uuid.uuid4(), fact, meta))
    traffic = PostgresKeyTraffic(worker.pool, worker.commands)
    traffic.used(organization, key, now)
    traffic.write()

    assert house.left(house.leaving) == {}
    stays = house.api.get("/v1/organization", key=house.staying.tenant.api_key)
    assert stays.status_code == 200


@pytest.fixture
def just_left(house: House, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """An organization that is gone, and this process has not heard that its key is, too."""
    monkeypatch.setattr("api.auth._KEPT", 3600.0)
    monkeypatch.setattr("api.auth.ApiKeys.forget", lambda _: None)
    tenant = house.api.new_tenant()
    assert house.api.get("/v1/organization", key=tenant.api_key).status_code == 200
    path = f"/v1/organization?confirm={tenant.organization_id}"
    assert house.api.delete(path, key=tenant.api_key).status_code == 200
    return tenant


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/businesses", {"name": "Rosa", "timezone": "Europe/Vienna"}),
        ("/v1/contacts", {"email": "late@example.com", "consent": {"status": "unknown"}}),
        ("/v1/contacts/import", {"email": "late@example.com"}),
        ("/v1/api-keys", {"name": "late", "scopes": ["audit:read"]}),
        ("/v1/analysts", {"name": "late"}),
    ],
)
def test_whoever_was_let_in_a_moment_before_is_told_that_the_organization_left(
    house: House, just_left: Tenant, path: str, body: dict[str, Any]
) -> None:
    kind = "application/x-ndjson" if path.endswith("import") else "application/json"
    once = {"Idempotency-Key": "once", "Content-Type": kind}
    content = json.dumps(body).encode()
    for _ in range(2):
        answer = house.api.request(
            "POST", path, key=just_left.api_key, headers=once, content=content
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "organization_deleted")


def test_nothing_that_is_read_a_moment_after_breaks(house: House, just_left: Tenant) -> None:
    paths = house.api.get("/openapi.json").json()["paths"]
    read = [path for path, does in paths.items() if "get" in does and "{" not in path]
    assert len(read) > 20
    found = {path: house.api.get(path, key=just_left.api_key).status_code for path in read}
    assert {path for path, status in found.items() if status == 500} == set()


@pytest.mark.parametrize("view", ALL_VIEWS, ids=lambda view: view.name)
def test_the_log_agrees_that_there_is_nothing_to_show(
    house: House, deletion: Deletion, view: Any
) -> None:
    assert deletion.document
    worker = house.api.worker
    assert list(ViewCheck(house.story.sql, view, worker.codec, worker.keys).faults()) == []


def test_only_who_left_can_be_swept(house: House) -> None:
    with pytest.raises(Exception, match="only what an organization left behind"):
        sweep_postgres(house.api.worker.pool.connection, house.staying.tenant.organization_id)


def swept(house: House) -> set[str]:
    with connect(house.api.core.addresses.postgres_owner_url) as connection:
        rows = connection.execute("SELECT state.belongings()::text").fetchall()
    return {str(row[0]) for row in rows}


def searched(house: House) -> set[str]:
    with house.api.worker.pool.connection() as connection:
        found = in_postgres(connection, house.staying.tenant.organization_id)
    return {place.removeprefix("postgres:") for place in found} - {"keys"}


def owner(house: House, query: str) -> None:
    with connect(house.api.core.addresses.postgres_owner_url) as connection:
        connection.execute(sql.SQL(query))


def test_no_table_is_forgotten(house: House) -> None:
    assert swept(house) == searched(house)
    assert not swept(house) & STAYS
    assert {"log.mailable", "state.sends", "state.api_keys", "views.contacts"} <= swept(house)


def test_a_table_that_is_added_later_is_swept_and_one_elsewhere_is_found(
    house: House, deletion: Deletion
) -> None:
    identity = deletion.document["certificate"]["organization_id"]
    try:
        owner(house, "CREATE SCHEMA elsewhere")
        for table in ("state.planted", "elsewhere.planted"):
            owner(house, f"CREATE TABLE {table} (organization_id uuid)")
            owner(house, f"GRANT ALL ON {table} TO nudge_worker")
            owner(house, f"INSERT INTO {table} VALUES ('{identity}')")  # noqa: S608
        owner(house, "GRANT USAGE ON SCHEMA elsewhere TO nudge_worker")

        assert sweep_postgres(house.api.worker.pool.connection, identity) == 1

        assert swept(house) != searched(house)
        assert house.left(house.leaving) == {"postgres:elsewhere.planted": 1}
    finally:
        owner(house, "DROP TABLE IF EXISTS state.planted")
        owner(house, "DROP SCHEMA IF EXISTS elsewhere CASCADE")


def test_clickhouse_has_tables_of_organizations(house: House) -> None:
    with house.clickhouse() as client:
        assert {"events", "turns", "deliveries"} <= set(tables(client))
        assert rows_in(client, "events", house.staying.tenant.organization_id) > 0


def test_a_command_can_say_whether_anything_is_left(house: House, deletion: Deletion) -> None:
    identity = deletion.document["certificate"]["organization_id"]
    with house.clickhouse() as client:
        found = leftovers(house.api.worker, client, identity)
        others = leftovers(house.api.worker, client, house.staying.tenant.organization_id)
    assert set(found) == {"clickhouse:events", "clickhouse:turns", "clickhouse:deliveries"}
    assert others["keys"] > 0

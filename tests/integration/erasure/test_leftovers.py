"""Nothing of an erased person is left, and whatever is planted anywhere is found."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cramjam
import fastavro
import psycopg
import pytest
from confluent_kafka import Producer

from infra.bootstrap import Core
from infra.erasure.certificate import Erasure, erasure_of, read_certificate
from infra.erasure.checking import Check, Report, person_of
from infra.erasure.needles import Needles
from infra.erasure.stores import raw
from infra.event_log import Draft
from infra.kafka import create_topics, producer_config
from infra.preparation import clickhouse
from projections.clickhouse.migrate import migrate as migrate_clickhouse
from schemas.topics import all_topics
from tests.conftest import Database
from tests.support.api import Api, running_api
from tests.support.services import Services

NOW = datetime.now(UTC)


@dataclass
class World:
    """A product with a contact whose traces are looked for."""

    api: Api
    core: Core
    address: str
    contact: str
    folder: Path

    def erase(self) -> Erasure:
        answer = self.api.request("DELETE", f"/v1/contacts/{self.contact}?erase=true")
        assert answer.status_code == 200, answer.text
        return erasure_of(read_certificate(answer.json(), self.core.signer.public_key))

    def needles(self, erasure: Erasure) -> Needles:
        known = {"names": (("Ada", "Lovelace"),)}
        return Needles(person_of(erasure, known), self.core.hasher)

    def check(self, erasure: Erasure) -> Report:
        check = Check(self.core, erasure, self.needles(erasure), (self.folder,))
        return check.run(datetime.now(UTC), lambda _: None)

    def produce(self, topic: str, value: bytes, compression: str = "none", **headers: str) -> None:
        config = {
            **producer_config(self.core.addresses.kafka_bootstrap),
            "compression.type": compression,
        }
        producer = Producer(config)
        name = self.core.settings.topic_prefix + topic
        producer.produce(name, value, headers=list(headers.items()))
        assert producer.flush(20) == 0

    def sql(self, query: str, *params: Any) -> None:
        with psycopg.connect(self.core.addresses.postgres_owner_url) as connection:
            connection.execute(query.encode(), params)


@pytest.fixture
def world(
    stack: Services, database: Database, topic_prefix: str, tmp_path: Path
) -> Iterator[World]:
    settings = stack.settings.model_copy(
        update={"topic_prefix": topic_prefix, "data_dir": tmp_path / "data"}
    )
    create_topics(stack.kafka_bootstrap, topic_prefix, all_topics().values())
    with clickhouse(stack.addresses) as client:
        migrate_clickhouse(client)
    folder = tmp_path / "exports"
    for made in (folder, tmp_path / "data" / "logs"):
        made.mkdir(parents=True)
    with running_api(stack, database, {"data_dir": tmp_path / "data"}) as api:
        core = Core(settings, replace(api.worker.addresses), "cli")
        address = f"ada-{uuid.uuid4().hex[:12]}@example.com"
        contact = api.contact(address, first_name="Ada", last_name="Lovelace")
        yield World(api, core, address, contact, folder)
        core.pool.close()


def test_after_an_erasure_only_what_expires_is_left(world: World) -> None:
    organization = world.api.tenant.organization_id
    webhook = json.dumps({"RecordType": "Open", "Recipient": world.address}).encode()
    world.produce(
        "postmark-webhooks", webhook, organization=organization, received_at=NOW.isoformat()
    )
    body = {"email": world.address, "first_name": "Ada"}
    world.api.patch(f"/v1/contacts/{world.contact}", body)
    world.api.post(
        "/v1/contacts", {**body, "consent": {"status": "unknown"}}, headers={"Idempotency-Key": "k"}
    )
    world.api.post(
        "/v1/contacts",
        {"email": "x@example.com", "attributes": {"friend": world.address},
         "consent": {"status": "unknown"}},
        headers={"Idempotency-Key": "friend"},
    )  # fmt: skip
    erasure = world.erase()
    admin = world.core.addresses.postgres_admin_url
    database = world.core.addresses.postgres_owner_url.rsplit("/", 1)[1]
    assert admin is not None
    before = set(raw.search(raw.files(admin, database), world.needles(erasure)))
    assert {"address", "key"} <= {trace.kind for trace in before}  # else the search proves nothing

    friend = "UPDATE views.contacts SET attributes = '{}' WHERE email = 'x@example.com'"
    world.sql(friend)
    report = world.check(erasure)

    assert report.found == [], report.as_dict()
    assert {(t.store, t.kind) for t in report.expiring} >= {
        ("kafka:postmark-webhooks", "address"),
        ("postgres:state.idempotency", "address"),
    }
    assert {"postgres:log.events", "kafka:contact-events", "clickhouse:nudge.events"} <= set(
        report.searched
    )
    assert report.notes == []


def plant(world: World) -> set[tuple[str, str]]:
    """One copy in each store; where it must be found, and as what."""
    address, raw_json = world.address, json.dumps({"to": world.address}).encode()
    request = str(uuid.uuid4())
    world.api.append(
        Draft(
            "AddressReactivated", str(uuid.uuid4()), 1,
            {"address_hmac": b"h" * 32, "contact_id": None, "origin": f"said by {address}"},
            world.api.tenant.organization_id, "system:test", request, request, NOW,
        )
    )  # fmt: skip
    for compression in ("gzip", "zstd", "lz4", "snappy"):
        world.produce("contact-events-dlq", raw_json * 50, compression)
    world.sql("CREATE TABLE state.planted (id uuid, note text, body bytea)")
    world.sql(
        "INSERT INTO state.planted VALUES (gen_random_uuid(), %s, %s)",
        (address + " ") * 4_000, gzip.compress(b"x") + raw_json,
    )  # fmt: skip
    world.sql("CREATE TABLE state.planted_short AS SELECT %s::text AS note", f"<{address}>")
    with clickhouse(world.core.addresses) as client:
        table = f"planted_{uuid.uuid4().hex[:8]}"
        client.command(f"CREATE TABLE {table} (n UInt8, note String) ENGINE MergeTree ORDER BY n")
        client.insert(table, [[1, address], [2, "Ada Lovelace"]], ["n", "note"])
    data = world.core.addresses.data_dir / "logs"
    (data / "api.log").write_text(json.dumps({"message": f"sent to {address}"}) + "\n")
    (data / "api.log.1").write_text("Ada Lovelace called\n")
    (world.folder / "export.json.gz").write_bytes(gzip.compress(raw_json))
    (world.folder / "export.json.zst").write_bytes(bytes(cramjam.zstd.compress(raw_json * 9)))
    (world.folder / "export.json.lz4").write_bytes(bytes(cramjam.lz4.compress(raw_json * 9)))
    schema = {"type": "record", "name": "R", "fields": [{"name": "to", "type": "string"}]}
    with (world.folder / "export.avro").open("wb") as file:
        fastavro.writer(file, schema, [{"to": address}], codec="deflate")
    return {
        ("postgres:log.events", "address"),
        ("postgres:state.planted", "address"),
        ("postgres:state.planted_short", "address"),
        ("kafka:contact-events-dlq", "address"),
        (f"clickhouse:nudge.{table}", "address"),
        (f"clickhouse:nudge.{table}", "name"),
        (str(data / "api.log"), "address"),
        (str(data / "api.log.1"), "name"),
        *((str(world.folder / f"export.{end}"), "address")
          for end in ("json.gz", "json.zst", "json.lz4", "avro")),
    }  # fmt: skip


def test_every_planted_copy_is_found_compressed_ones_too(world: World) -> None:
    planted = plant(world)
    world.sql("CREATE TABLE state.planted_keys AS SELECT * FROM log.subject_keys")
    erasure = world.erase()
    world.sql(  # somebody puts the key back
        "UPDATE log.subject_keys k SET wrapped = p.wrapped FROM state.planted_keys p"
        " WHERE p.subject_id = k.subject_id"
    )
    world.sql(
        "INSERT INTO state.planted (body) VALUES (%s)",
        uuid.UUID(world.contact).bytes + uuid.UUID(erasure.organization_id).bytes + b"\x7b" * 61,
    )

    report = world.check(erasure)

    found = {(trace.store, trace.kind) for trace in report.found}
    found |= {(trace.place, trace.kind) for trace in report.found}
    planted |= {("postgres:log.subject_keys", "key"), ("postgres:state.planted", "key")}
    planted |= {("postgres:log.events", "name")}  # what was sealed opens again
    assert planted <= found, planted - found
    letters = [t for t in report.found if t.store == "kafka:contact-events-dlq"]
    assert len(letters) == 4
    heaps = {t.store for t in report.found if "/base/" in t.place}
    copies = {"postgres:state.planted_short", "postgres:state.planted_keys"}
    assert {*copies, "postgres:log.subject_keys"} <= heaps


def test_postgres_logs_what_went_wrong_and_no_rows(stack: Services, world: World) -> None:
    world.sql("CREATE TABLE state.planted_once (note text UNIQUE)")
    insert = "INSERT INTO state.planted_once VALUES (%s)"
    world.sql(insert, world.address)

    with pytest.raises(psycopg.errors.UniqueViolation, match="already exists"):
        world.sql(insert, world.address)

    said = (stack.settings.data_dir.parent / "logs" / "infra.local.postgres.log").read_text()
    assert "planted_once_note_key" in said
    assert world.address not in said

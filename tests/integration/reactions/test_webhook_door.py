"""The door for webhooks on real Kafka and Postgres: who may pass, and what a 200 promises."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from api.app import build_app
from infra.bootstrap import Core
from infra.kafka import consumer_config, create_topics
from infra.postgres import Connection, connect
from infra.settings import load_settings
from infra.web import api_services
from infra.webhook_door import KafkaWebhookIntake
from schemas.topics import all_topics
from tests.conftest import Database
from tests.support.services import Services, free_port

PATH = "/v1/webhooks/postmark"
TOPIC = all_topics()["postmark-webhooks"]
ORGANIZATION = str(uuid4())


def connect_postmark(database: Database, username: str, password: str) -> None:
    with psycopg.connect(database.worker_url) as connection:
        connection.execute(
            "INSERT INTO views.postmark_connections (organization_id, broadcast_stream,"
            " transactional_stream, webhook_username, webhook_password_hash, handling, updated_at,"
            " position, version) VALUES (%s, 'broadcast', 'outbound', %s, %s, '{}', now(), 1, 1)"
            " ON CONFLICT (organization_id) DO UPDATE SET"
            " webhook_password_hash = excluded.webhook_password_hash",
            (ORGANIZATION, username, hashlib.sha256(password.encode()).digest()),
        )


def core_of(stack: Services, database: Database, folder: Path, prefix: str, kafka: str) -> Core:
    """The API's core over the test's database; its master key is the one the World has."""
    master = folder / "master"
    master.write_text((b"k" * 32).hex())
    settings = load_settings(
        data_dir=folder,
        postgres_url=database.owner_url,
        postgres_worker_url=database.worker_url,
        postgres_api_url=database.api_url,
        kafka_bootstrap=kafka,
        clickhouse_url=stack.clickhouse_url,
        clickhouse_password=stack.clickhouse_password,
        secret_key_file=stack.addresses.secret_key_file,
        master_key_file=master,
        topic_prefix=prefix,
    )
    return Core.of(settings, "api")


@asynccontextmanager
async def opened_door(core: Core) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(api_services(core))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            yield client


@pytest.fixture
async def door(
    stack: Services, database: Database, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    create_topics(stack.kafka_bootstrap, topic_prefix, [TOPIC])
    connect_postmark(database, "rosa", "s3cret")
    core = core_of(stack, database, tmp_path, topic_prefix, stack.kafka_bootstrap)
    async with opened_door(core) as client:
        yield client


def stored(bootstrap: str, prefix: str) -> list[tuple[bytes, dict[str, bytes]]]:
    """Everything on the intake topic."""
    consumer = Consumer(consumer_config(bootstrap))
    places = [TopicPartition(prefix + TOPIC.name, p, 0) for p in range(TOPIC.partitions)]
    consumer.assign(places)
    total = sum(consumer.get_watermark_offsets(place, timeout=30)[1] for place in places)
    found: list[tuple[bytes, dict[str, bytes]]] = []
    while len(found) < total:
        for message in consumer.consume(total, timeout=30):
            headers = dict(cast("list[tuple[str, bytes]]", message.headers() or []))
            found.append((message.value() or b"", headers))
    consumer.close()
    return found


async def test_whatever_comes_in_is_on_kafka_raw_before_the_200(
    door: httpx.AsyncClient, stack: Services, topic_prefix: str
) -> None:
    bodies = [b'{"RecordType": "Delivery"}', b"\x00\xff no json", b"x" * (10 * 1024 * 1024)]
    for body in bodies:
        answer = await door.post(PATH, content=body, auth=("rosa", "s3cret"))
        assert answer.status_code == 200

    found = stored(stack.kafka_bootstrap, topic_prefix)
    assert sorted(value for value, _ in found) == sorted(bodies)
    assert {headers["organization"].decode() for _, headers in found} == {ORGANIZATION}
    assert all(b"T" in headers["received_at"] for _, headers in found)


async def test_a_server_that_was_replaced_may_still_tell_what_became_of_its_mails(
    door: httpx.AsyncClient, database: Database
) -> None:
    with psycopg.connect(database.worker_url) as connection:
        connection.execute(
            "UPDATE views.postmark_connections SET earlier = %s::jsonb",
            (json.dumps({"hugo": hashlib.sha256(b"0ld").hexdigest()}),),
        )

    for auth in [("hugo", "0ld"), ("rosa", "s3cret")]:
        assert (await door.post(PATH, content=b"{}", auth=auth)).status_code == 200
    for auth in [("hugo", "s3cret"), ("rosa", "0ld")]:
        assert (await door.post(PATH, content=b"{}", auth=auth)).status_code == 401


async def test_a_producer_that_can_go_on_no_more_is_replaced(
    stack: Services, topic_prefix: str
) -> None:
    create_topics(stack.kafka_bootstrap, topic_prefix, [TOPIC])
    with KafkaWebhookIntake(stack.kafka_bootstrap, topic_prefix) as intake:
        await intake.put(ORGANIZATION, b"before")
        broken = intake._producer
        intake.on_error(KafkaError(KafkaError._TRANSPORT, "a broker is away"))
        intake.on_error(KafkaError(KafkaError._FATAL, "out of step", fatal=True))
        for _ in range(500):
            await asyncio.sleep(0.02)
            if intake._producer is not broken:
                break
        assert intake._producer is not broken
        await intake.put(ORGANIZATION, b"after")

    found = stored(stack.kafka_bootstrap, topic_prefix)
    assert sorted(value for value, _ in found) == [b"after", b"before"]


async def test_wrong_or_broken_credentials_are_401_never_403(door: httpx.AsyncClient) -> None:
    def basic(pair: bytes) -> str:
        return f"Basic {base64.b64encode(pair).decode()}"

    pairs = [b"rosa:wrong", b"nobody:s3cret", b":", b"rosa:", b"rosa", b"\xff:\xff"]
    for header in [*map(basic, pairs), "", "Basic", "Basic !!!", "Bearer cm9zYTpz"]:
        answer = await door.post(PATH, content=b"{}", headers={"Authorization": header})

        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert answer.json()["code"] == "unauthenticated"


async def test_many_guesses_share_one_connection_that_is_there_already(
    stack: Services,
    database: Database,
    topic_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []

    def counted(url: str, **more: Any) -> Connection:
        opened.append(url)
        return connect(url, **more)

    monkeypatch.setattr("infra.web.connect", counted)
    core = core_of(stack, database, tmp_path, topic_prefix, stack.kafka_bootstrap)
    async with opened_door(core) as door:
        guesses = [door.post(PATH, content=b"{}", auth=("rosa", f"{n}")) for n in range(40)]
        answers = await asyncio.gather(*guesses)

    assert [answer.status_code for answer in answers] == [401] * 40
    assert len(opened) <= 1, "only the one that listens"


async def test_a_guess_does_not_wait_for_ever_for_a_postgres_that_says_nothing(
    door: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await door.post(PATH, content=b"{}", auth=("rosa", "s3cret"))).status_code == 200
    monkeypatch.setattr("infra.webhook_door._PATIENCE", 0.3)
    with psycopg.connect(database.owner_url) as other:
        other.execute("LOCK TABLE views.postmark_connections IN ACCESS EXCLUSIVE MODE")
        answers = [await door.post(PATH, content=b"{}", auth=("rosa", "?")) for _ in range(2)]
        known = await door.post(PATH, content=b"{}", auth=("rosa", "s3cret"))

    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(answer.headers["retry-after"] for answer in answers)
    assert known.status_code == 200


async def test_more_than_10_mb_is_413(door: httpx.AsyncClient) -> None:
    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 1024 * 1024

    declared = await door.post(PATH, content=b"x" * (10 * 1024 * 1024 + 1), auth=("rosa", "s3cret"))
    undeclared = await door.post(PATH, content=streamed(), auth=("rosa", "s3cret"))

    assert (declared.status_code, undeclared.status_code) == (413, 413)


async def test_a_new_password_is_known_at_once(door: httpx.AsyncClient, database: Database) -> None:
    connect_postmark(database, "rosa", "changed")

    assert (await door.post(PATH, content=b"{}", auth=("rosa", "changed"))).status_code == 200
    assert (await door.post(PATH, content=b"{}", auth=("rosa", "s3cret"))).status_code == 401


async def test_without_postgres_a_known_pair_passes_and_an_unknown_one_may_try_again(
    stack: Services, door: httpx.AsyncClient, database: Database
) -> None:
    name = database.owner_url.rsplit("/", 1)[1]
    assert (await door.post(PATH, content=b"{}", auth=("rosa", "s3cret"))).status_code == 200
    with psycopg.connect(stack.postgres_admin_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )

    known = await door.post(PATH, content=b"{}", auth=("rosa", "s3cret"))
    unknown = await door.post(PATH, content=b"{}", auth=("rosa", "other"))

    assert known.status_code == 200
    assert unknown.status_code == 503
    assert unknown.headers["retry-after"]


async def test_without_kafka_the_sender_is_told_to_try_again(
    stack: Services, database: Database, tmp_path: Path
) -> None:
    connect_postmark(database, "rosa", "s3cret")
    core = core_of(stack, database, tmp_path, "", f"127.0.0.1:{free_port()}")
    app = build_app(api_services(core))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://door", timeout=20
        ) as client:
            answer = await client.post(PATH, content=b"{}", auth=("rosa", "s3cret"))

    assert answer.status_code == 503
    assert answer.headers["retry-after"]

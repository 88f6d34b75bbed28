"""Kafka and PostgreSQL really start, survive a kill and keep their data over a stop."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.local import postgres
from infra.local.addresses import Addresses, resolve
from infra.local.processes import ProcessSpec
from infra.local.secrets import ensure_secrets
from infra.local.stack import process_specs
from infra.local.state import read_state
from infra.settings import Settings
from tests.integration.local.conftest import Running


@pytest.fixture
def settings(
    data_dir: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> Settings:
    for name in [name for name in os.environ if name.startswith("NUDGE_")]:
        monkeypatch.delenv(name)
    return Settings(
        _env_file=None,
        data_dir=data_dir,
        postgres_port=free_port(),
        kafka_port=free_port(),
        kafka_controller_port=free_port(),
    )


def stores(settings: Settings) -> tuple[list[ProcessSpec], Addresses]:
    addresses = resolve(settings)
    specs = process_specs(settings, addresses)
    return [spec for spec in specs if spec.name in ("postgres", "kafka")], addresses


def pid_of(data_dir: Path, name: str) -> int:
    state = read_state(data_dir)
    assert state is not None
    pid = next(process.pid for process in state.processes if process.name == name)
    assert pid is not None
    return pid


def listening(pid: int) -> set[str]:
    found = psutil.Process(pid).net_connections("inet")
    return {str(next(iter(c.laddr))) for c in found if c.status == psutil.CONN_LISTEN}


def write_row(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")


def read_row(url: str) -> object:
    with psycopg.connect(url, connect_timeout=2) as connection:
        row = connection.execute("SELECT n FROM kept").fetchone()
        assert row is not None
        return row[0]


def write_record(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic("kept", 1)])["kept"].result(20)
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce("kept", b"seven")
    assert producer.flush(20) == 0


def read_record(bootstrap: str) -> bytes | None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.subscribe(["kept"])
        message = consumer.poll(30)
        return None if message is None else message.value()
    finally:
        consumer.close()


async def test_stores_keep_their_data_over_a_stop_and_over_a_kill(
    settings: Settings, running: Running, data_dir: Path
) -> None:
    specs, addresses = stores(settings)
    assert addresses.postgres_admin_url is not None
    async with running(specs):
        await asyncio.to_thread(write_row, addresses.postgres_admin_url)
        await asyncio.to_thread(write_record, addresses.kafka_bootstrap)
        assert listening(pid_of(data_dir, "postgres")) == {"127.0.0.1"}
        assert listening(pid_of(data_dir, "kafka")) <= {"127.0.0.1", "::ffff:127.0.0.1"}
    async with running(specs) as supervisor:
        await expect_data(addresses)
        for name in ("postgres", "kafka"):
            os.kill(pid_of(data_dir, name), signal.SIGKILL)
        await asyncio.sleep(0.5)
        await asyncio.wait_for(all_ready(data_dir), 30)
        await expect_data(addresses)
        assert supervisor.ready.is_set()


async def expect_data(addresses: Addresses) -> None:
    assert addresses.postgres_admin_url is not None
    assert await asyncio.to_thread(read_row, addresses.postgres_admin_url) == 7
    assert await asyncio.to_thread(read_record, addresses.kafka_bootstrap) == b"seven"


async def all_ready(data_dir: Path) -> None:
    while (state := read_state(data_dir)) is None or not state.ready:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def test_nothing_of_the_parents_is_opened_to_others(
    settings: Settings, running: Running, data_dir: Path
) -> None:
    parents = [data_dir, *data_dir.parents]
    before = [parent.stat().st_mode for parent in parents]
    specs, _ = stores(settings)
    async with running([spec for spec in specs if spec.name == "postgres"]):
        assert (data_dir / "postgres" / "data").stat().st_mode & 0o777 == 0o700
    assert [parent.stat().st_mode for parent in parents] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to fall back on")
def test_without_namespaces_root_runs_postgres_as_nobody(
    data_dir: Path, free_port: Callable[[], int]
) -> None:
    ensure_secrets(data_dir)
    reachable = Path(tempfile.mkdtemp())
    reachable.chmod(0o711)
    place = postgres.choose_place(data_dir, root=True, namespaces=False, shared=reachable / "s")
    port, log = free_port(), data_dir / "log"
    try:
        postgres.prepare(place, data_dir, data_dir / "keys" / "postgres_password")
        with (
            log.open("wb") as output,
            subprocess.Popen(
                postgres.server_command(place, port), stdout=output, stderr=output
            ) as server,
        ):
            wait_for_line(log, b"ready to accept connections")
            assert psutil.Process(server.pid).uids().effective == place.owner
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
    finally:
        shutil.rmtree(reachable)


def wait_for_line(log: Path, text: bytes) -> None:
    for _ in range(100):
        if text in log.read_bytes():
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())

"""The real stores for tests: started once per session on free ports, in a folder of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
from confluent_kafka.admin import AdminClient

from infra.local.addresses import METRICS_ROLES, Addresses, resolve
from infra.settings import Settings, load_settings


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_ROWS = range(11_000, 32_000)
"""Below the ports that the system gives to clients: none of those can come in between."""


def free_row(count: int) -> range:
    """So many ports one behind the other, all of them free a moment ago."""
    while True:
        first = _ROWS.start + secrets.randbelow(len(_ROWS) - count)
        row = range(first, first + count)
        try:
            with ExitStack() as probes:
                for port in row:
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except OSError:
            continue
        return row


def settings_on_free_ports(data_dir: Path, **overrides: object) -> Settings:
    """Settings of a stack that meets nobody else's."""
    names = (
        "api_port",
        "kafka_port",
        "kafka_controller_port",
        "postgres_port",
        "clickhouse_port",
        "postmark_sandbox_port",
    )
    row = free_row(len(names) + 1 + len(METRICS_ROLES))
    ports = dict(zip((*names, "metrics_port"), row, strict=False))
    return load_settings(data_dir=data_dir, **{**ports, **overrides})


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a child process sees these settings."""
    from infra.local.child import child_environment

    return {**os.environ, **child_environment(settings)}


def environment_at(at: Addresses, prefix: str) -> dict[str, str]:
    """The variables by which a command finds stores that run already, and topics in them."""
    values = {
        "DATA_DIR": at.data_dir,
        "KAFKA_BOOTSTRAP": at.kafka_bootstrap,
        "TOPIC_PREFIX": prefix,
        "POSTGRES_URL": at.postgres_owner_url,
        "POSTGRES_WORKER_URL": at.postgres_worker_url,
        "POSTGRES_API_URL": at.postgres_api_url,
        "CLICKHOUSE_URL": at.clickhouse_url,
        "CLICKHOUSE_USERNAME": at.clickhouse_username,
        "CLICKHOUSE_PASSWORD": at.clickhouse_password,
        "SECRET_KEY_FILE": at.secret_key_file,
        "MASTER_KEY_FILE": at.master_key_file,
        "SIGNING_KEY_FILE": at.signing_key_file,
    }
    return {f"NUDGE_{name}": str(value) for name, value in values.items()}


_POSTGRES, _UNSYNCED = "infra.local.postgres", "tests.support.unsynced_postgres"
_KAFKA, _CLICKHOUSE = "infra.local.kafka", "infra.local.clickhouse"


@dataclass
class Services:
    """Postgres, Kafka and the ClickHouse engine, running."""

    settings: Settings
    addresses: Addresses
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def kafka_bootstrap(self) -> str:
        return self.addresses.kafka_bootstrap

    @property
    def postgres_admin_url(self) -> str:
        assert self.addresses.postgres_admin_url is not None
        return self.addresses.postgres_admin_url

    @property
    def postgres_owner_url(self) -> str:
        return self.addresses.postgres_owner_url

    @property
    def postgres_worker_url(self) -> str:
        return self.addresses.postgres_worker_url

    @property
    def postgres_api_url(self) -> str:
        return self.addresses.postgres_api_url

    @property
    def clickhouse_url(self) -> str:
        return self.addresses.clickhouse_url

    @property
    def clickhouse_username(self) -> str:
        return self.addresses.clickhouse_username

    @property
    def clickhouse_password(self) -> str:
        return self.addresses.clickhouse_password

    def stop(self) -> None:
        """End everything this object started.

        Kafka without a farewell, in which it would close the topics of all tests one by one.
        """
        for name, process in reversed(self.processes.items()):
            process.send_signal(signal.SIGKILL if name == _KAFKA else signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def start_services(folder: Path, *, synced: bool = True) -> Services:
    """Start the stores and wait until each answers.

    `synced`: Postgres waits for the disk, which matters to whoever measures.
    """
    settings = settings_on_free_ports(folder / "data")
    services = Services(settings, resolve(settings))
    logs = folder / "logs"
    logs.mkdir()
    for name in (_POSTGRES, _KAFKA, _CLICKHOUSE):
        module = _UNSYNCED if name == _POSTGRES and not synced else name
        with (logs / f"{name}.log").open("wb") as log:
            services.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module],
                env=environment_of(settings),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
    try:
        wait_for("postgres", lambda: postgres_answers(services.postgres_admin_url))
        wait_for("kafka", lambda: _kafka_answers(services.kafka_bootstrap), seconds=300)
        wait_for("clickhouse", lambda: httpx.get(f"{services.clickhouse_url}/ping").is_success)
    except BaseException:
        services.stop()
        raise
    return services


def postgres_answers(url: str) -> bool:
    psycopg.connect(url, connect_timeout=2).close()
    return True


def _kafka_answers(bootstrap: str) -> bool:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    return bool(admin.list_topics(timeout=2).brokers)


def wait_for(what: str, answers: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answers():
                return
        except Exception as error:  # noqa: BLE001 - any failure means not ready yet
            last: Exception = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not get ready: {last}")
        time.sleep(0.05)

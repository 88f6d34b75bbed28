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


@dataclass
class Services:
    """Postgres, Kafka and the ClickHouse engine, running."""

    settings: Settings
    addresses: Addresses
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

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
        """End everything this object started."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGINT)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def start_services(folder: Path) -> Services:
    """Start the stores and wait until each answers."""
    settings = settings_on_free_ports(folder / "data")
    services = Services(settings, resolve(settings))
    logs = folder / "logs"
    logs.mkdir()
    for module in ("infra.local.postgres", "infra.local.kafka", "infra.local.clickhouse"):
        with (logs / f"{module}.log").open("wb") as log:
            services.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", module],
                    env=environment_of(settings),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
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

"""A ClickHouse process of these tests' own, on a free port, with its data in a new folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client

PASSWORD = "a password with ünicode"


@dataclass
class Server:
    """One process; it can be killed and started again on the same folder and port."""

    data_dir: Path
    port: int
    more: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.data_dir / "clickhouse.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self.process = self.spawn()
        deadline = time.monotonic() + 60
        with httpx.Client(base_url=self.url, trust_env=False) as http:
            while time.monotonic() < deadline:
                try:
                    http.get("ping").raise_for_status()
                except httpx.TransportError:
                    time.sleep(0.05)
                else:
                    return
        raise AssertionError(self.log.read_text())

    def spawn(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "NUDGE_DATA_DIR": str(self.data_dir),
            "NUDGE_CLICKHOUSE_PORT": str(self.port),
            **self.more,
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "infra.local.clickhouse"]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def signal(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def client(self) -> Client:
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username="nudge", password=PASSWORD
        )

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, auth=("nudge", PASSWORD), timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def started(folder: Path, more: Mapping[str, str] | None = None) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    keys = folder / "keys"
    keys.mkdir()
    (keys / "clickhouse_password").write_text(PASSWORD + "\n")
    server = Server(folder, free_port(), more or {})
    server.start()
    yield server
    if server.process is not None and server.process.poll() is None:
        server.process.kill()
        server.process.wait(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process for a whole module, in a folder whose name needs care."""
    yield from started(tmp_path_factory.mktemp("door") / "a b?c&d%20'e")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A process that the test may kill."""
    yield from started(tmp_path / "data")


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with server.http() as http:
        yield http

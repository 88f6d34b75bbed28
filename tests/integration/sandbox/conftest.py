"""A sandbox process on a free port with a folder of its own, and a server that takes webhooks."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from infra.local.sandbox import ACCOUNT_TOKEN

ALL_TRIGGERS = {
    name: {"Enabled": True}
    for name in ("Open", "Click", "Delivery", "Bounce", "SpamComplaint", "SubscriptionChange")
}
USER, PASSWORD = "hook", "s3cret:with colon"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until it holds; fails the test when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


class SandboxProcess:
    """The real process, started as the stack starts it; may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self.start()

    def start(self) -> None:
        environment = {
            **os.environ,
            "NUDGE_DATA_DIR": str(self._folder),
            "NUDGE_POSTMARK_SANDBOX_PORT": str(self.port),
            "NUDGE_POSTMARK_SERVER_TOKEN": "configured-token",
        }
        command = [sys.executable, "-m", "infra.local.sandbox"]
        self._process = subprocess.Popen(command, env=environment)
        eventually(self._is_ready)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, "the sandbox ended"
        try:
            return httpx.get(f"{self.url}/sandbox/health").text == '{"status":"ok"}'
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


@dataclass
class Mailer:
    """A client of one fresh server of the sandbox."""

    sandbox: SandboxProcess
    token: str
    http: httpx.Client

    def message(self, to: str, **fields: Any) -> dict[str, Any]:
        return {
            "From": "Bakery <hello@bakery.example>",
            "To": to,
            "Subject": "Fresh bread",
            "HtmlBody": '<body><a href="https://shop.example/bread">Bread</a></body>',
            "MessageStream": "broadcast",
            "TrackOpens": True,
            "TrackLinks": "HtmlAndText",
            "Metadata": {"campaign_id": "c1", "delivery_id": to.partition("@")[0]},
            **fields,
        }

    def send(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        response = self.http.post("/email/batch", json=list(messages))
        assert response.status_code == 200, response.text
        answers: list[dict[str, Any]] = response.json()
        return answers

    def behave(self, **patch: Any) -> None:
        assert self.http.put("/sandbox/behaviour", json=patch).status_code == 200

    def everyone(self, **rates: float) -> None:
        """Set the given rates, all others to nothing, and let it all happen at once."""
        names = self.http.get("/sandbox/behaviour").json()["rates"]
        self.behave(rates={**dict.fromkeys(names, 0), **rates}, time_scale=0.001)

    def hook(self, url: str, **fields: Any) -> int:
        wanted = {
            "Url": url,
            "MessageStream": "broadcast",
            "HttpAuth": {"Username": USER, "Password": PASSWORD},
            "Triggers": ALL_TRIGGERS,
            **fields,
        }
        response = self.http.post("/webhooks", json=wanted)
        assert response.status_code == 200, response.text
        number: int = response.json()["ID"]
        return number

    def counts(self) -> dict[str, Any]:
        query = {"server": self.token}
        counts: dict[str, Any] = self.http.get("/sandbox/webhooks", params=query).json()
        return counts

    def is_quiet(self) -> bool:
        counts = self.counts()
        pending = sum(kind["pending"] for kind in counts["webhooks"].values())
        return bool(counts["planned"] == 0 and pending == 0)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    yield process
    process.stop()


def new_mailer(process: SandboxProcess, name: str) -> Mailer:
    created = httpx.post(
        f"{process.url}/servers",
        json={"Name": name},
        headers={"X-Postmark-Account-Token": ACCOUNT_TOKEN},
    )
    assert created.status_code == 200, created.text
    token = created.json()["ApiTokens"][0]
    headers = {"X-Postmark-Server-Token": token}
    return Mailer(process, token, httpx.Client(base_url=process.url, headers=headers, timeout=30))


@pytest.fixture
def mailer(sandbox: SandboxProcess, request: pytest.FixtureRequest) -> Iterator[Mailer]:
    """A server of its own, and the sandbox's behaviour as it is after a first start."""
    client = new_mailer(sandbox, request.node.nodeid[-180:])
    before = client.http.get("/sandbox/behaviour").json()
    yield client
    client.http.put("/sandbox/behaviour", json=before)
    client.http.close()


@dataclass
class Receiver:
    """Takes webhooks as the product does: basic auth first. `status` is what it answers."""

    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    unauthorised: int = 0
    forms: list[bytes] = field(default_factory=list)
    url: str = ""

    def of(self, record_type: str) -> list[dict[str, Any]]:
        return [body for body in list(self.bodies) if body["RecordType"] == record_type]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taken = Receiver()
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(self._take(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _take(self, body: bytes) -> int:
            if self.path == "/one-click":
                taken.forms.append(body)
                return 200
            if self.headers.get("Authorization") != expected:
                taken.unauthorised += 1
                return 401
            taken.bodies.append(orjson.loads(body))
            return taken.status

        def log_message(self, *_args: object) -> None:
            """Say nothing: the test says what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield taken
    server.shutdown()
    server.server_close()

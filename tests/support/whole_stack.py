"""The whole product, started as an operator would, in a folder and on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from infra.cli.attach import stop
from infra.faults import Faults
from infra.local.addresses import Addresses, resolve
from infra.local.errors import StackError
from infra.local.state import running_state
from infra.settings import Settings
from tests.support.services import environment_of, settings_on_free_ports

T = TypeVar("T")
NUDGE = str(Path(sys.executable).with_name("nudge"))


def eventually(look: Callable[[], T | None], *, seconds: float = 120, what: str = "it") -> T:
    """The first true answer of `look`. Fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


@dataclass(frozen=True)
class Tenant:
    """An organization and a client that speaks as it."""

    organization_id: str
    business_id: str
    api_key: str
    webhook_username: str
    webhook_password: str
    http: httpx.Client

    def get(self, path: str, position: str | None = None, **query: Any) -> Any:
        """The body of a GET that must succeed."""
        headers = {"Nudge-Min-Position": position} if position else {}
        answer = self.http.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(
        self, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> httpx.Response:
        """The answer of a POST that must give this status."""
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer


@dataclass(frozen=True)
class WholeStack:
    """A running product."""

    settings: Settings
    addresses: Addresses

    @property
    def data_dir(self) -> Path:
        return self.addresses.data_dir

    def nudge(self, *arguments: str, check: bool = True) -> str:
        """What a `nudge` command prints."""
        done = subprocess.run(
            [NUDGE, *arguments],
            env=environment_of(self.settings),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        """`nudge status --json`."""
        status: dict[str, Any] = json.loads(self.nudge("status", "--json"))
        return status

    def new_tenant(self, name: str = "Rosa's Bakery") -> Tenant:
        """`nudge org create`, and a client with its key."""
        made = json.loads(self.nudge("org", "create", "--name", name, "--json"))
        client = httpx.Client(
            base_url=self.settings.base_url,
            headers={"Authorization": f"Bearer {made['api_key']}"},
            timeout=40,
        )
        return Tenant(**made, http=client)

    def now(self) -> datetime:
        """The time by which the product runs: other tests may have moved its clock."""
        with psycopg.connect(self.addresses.postgres_worker_url) as connection:
            row = connection.execute("SELECT now() + ahead FROM state.clock").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment.astimezone(UTC)

    @property
    def sandbox(self) -> httpx.Client:
        """The Postmark sandbox's control interface."""
        return httpx.Client(base_url=self.addresses.postmark_url, timeout=20)

    def sandbox_quiet(self) -> bool:
        """Whether the sandbox's recipients have nothing left to do."""
        seen = self.sandbox.get("/sandbox/webhooks").json()
        pending = sum(kind["pending"] for kind in seen["webhooks"].values())
        return bool(seen["planned"] == 0 and pending == 0)


@contextmanager
def whole_stack(folder: Path, *, armed: bool = False, **overrides: object) -> Iterator[WholeStack]:
    """Start everything, and stop it afterwards. `armed`: its processes look for orders to die."""
    settings = settings_on_free_ports(folder / "data", **overrides)
    stack = WholeStack(settings, resolve(settings))
    if armed:
        Faults.of(stack.data_dir).prepare()
    try:
        stack.nudge("up", "--detach", "--no-demo")
        yield stack
    finally:
        _stop(settings.data_dir.absolute())


def _stop(data_dir: Path) -> None:
    """End everything, also what a start that failed half way has left running."""
    state = running_state(data_dir)
    if state is not None:
        try:
            stop(data_dir)
        except StackError:
            os.kill(state.supervisor_pid, signal.SIGKILL)  # its children are told to stop

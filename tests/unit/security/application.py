"""The whole HTTP application without any store: enough for whatever is refused before one."""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from fastapi.testclient import TestClient

from api.app import build_app
from api.ports import Answer, BodyLimits, RateLimits, Services
from tests.support.fake_transaction import FakeTransaction


class Log:
    """Commands in memory: what they record can be looked at."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def run_once(
        self,
        organization_id: uuid.UUID,
        _key: str | None,
        _request_hash: bytes,
        decide: Callable[[Any], Answer],
    ) -> tuple[Answer, bool]:
        tx = FakeTransaction(organization_id)
        answer = decide(tx)
        self.events += tx.events
        return answer, False


class Credentials:
    """Nobody's webhooks."""

    def known(self, _username: str, _password: str) -> str | None:
        return None

    async def looked_up(self, _username: str, _password: str) -> str | None:
        return None


@functools.cache
def client(
    public_url: str = "http://127.0.0.1:8000",
    cors_origins: tuple[str, ...] = (),
    limit_address: str = "off",
) -> TestClient:
    """A client of the application, which records its refusals in `client().app.state`."""
    given: dict[str, Any] = {
        "reads": None,
        "sockets": SimpleNamespace(connections=0),
        "rates": RateLimits("off", "off", "off", limit_address),
        "bodies": BodyLimits(wait=10, pace=8192),
        "public_url": public_url,
        "cors_origins": cors_origins,
        "new_id": uuid.uuid4,
        "clock": lambda: datetime(2026, 3, 2, 9, tzinfo=UTC),
        "hash_address": lambda text: hashlib.sha256(text.encode()).digest(),
        "commands": Log(),
        "webhook_credentials": Credentials(),
        "unsubscribe_secret": b"s" * 32,
    }
    app = build_app(cast("Services", SimpleNamespace(**given)))
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def recorded(browser: TestClient) -> list[Any]:
    """The security events that the application's refusals left."""
    return list(state(browser).services.commands.events)


def state(browser: TestClient) -> Any:
    """What the application keeps."""
    return cast("Any", browser.app).state

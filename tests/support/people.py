"""People at the entrance: browsers of their own, a postbox in place of the provider, a clock."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import httpx
from fastapi.testclient import TestClient

from api.ports import Services
from domain.delivery.decisions import Answered, Call
from infra.clock import MovableClock
from infra.people.wiring import messenger
from streams.effects.ports import Sending
from tests.support.api import Api

PASSWORD = "crumbs in the morning"
_LINK = re.compile(r"/a/([A-Za-z0-9_-]+)")


@dataclass
class Postbox:
    """Takes every mail, and keeps it."""

    mails: list[Mapping[str, Any]] = field(default_factory=list)

    def send(self, _sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        self.mails += messages
        return Answered(200, [{"ErrorCode": 0, "MessageID": str(uuid.uuid4())} for _ in messages])

    def find(self, _sending: Sending, batch_id: str) -> Mapping[str, str]:
        found = [m for m in self.mails if m["Metadata"]["batch_id"] == batch_id]
        return {m["Metadata"]["delivery_id"]: "sent" for m in found}

    def sending(self) -> Sending:
        return Sending("", "token", "outbound", "outbound", "None", "", "", 0)

    def to(self, address: str) -> list[Mapping[str, Any]]:
        return [mail for mail in self.mails if mail["To"] == address]

    def token(self, address: str) -> str:
        """The token in the newest mail to this address."""
        found = _LINK.search(self.to(address)[-1]["TextBody"])
        assert found is not None, self.to(address)[-1]
        return found[1]


@dataclass
class Member:
    """Somebody who is in, with a browser that keeps the cookie."""

    browser: TestClient
    email: str
    admitted: dict[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.admitted["access_token"])

    @property
    def user_id(self) -> str:
        return str(self.admitted["user_id"])

    @property
    def session_id(self) -> str:
        return str(self.admitted["session_id"])

    def refresh(self) -> httpx.Response:
        answer = cast("httpx.Response", self.browser.post("/v1/auth/refresh"))
        if answer.is_success:
            self.admitted = answer.json()
        return answer


@dataclass
class Entrance:
    """The API's entrance, with the errands run on demand."""

    api: Api
    postbox: Postbox = field(default_factory=Postbox)

    @property
    def services(self) -> Services:
        services: Services = cast("Any", self.api.client.app).state.services
        return services

    def browser(self) -> TestClient:
        """A browser without any cookie."""
        return TestClient(
            self.api.client.app, base_url="https://testserver", raise_server_exceptions=False
        )

    def run_errands(self) -> None:
        """What the effects would do, until nothing is due."""
        usual = messenger(self.api.worker, self.services.clock)
        here = replace(usual, provider=self.postbox, server=self.postbox)
        while here.step():
            pass
        self.api.project()

    def advance(self, **by: float) -> datetime:
        """Move the product's clock ahead; the time it then is."""
        with self.api.worker.pool.connection() as connection:
            connection.execute("UPDATE state.clock SET ahead = ahead + %s", (timedelta(**by),))
        cast("MovableClock", self.services.clock).look()
        return self.services.clock()

    def sign_up(self, email: str = "", organization: str = "Rosa's Bakery") -> Member:
        """Somebody with a new organization, who has followed the link."""
        email = email or f"{uuid.uuid4().hex[:12]}@example.com"
        browser = self.browser()
        asked = browser.post(
            "/v1/auth/signup",
            json={
                "email": email, "password": PASSWORD, "name": "Rosa", "organization": organization,
            },
        )  # fmt: skip
        assert asked.status_code == 202, asked.text
        self.run_errands()
        return self.enter(browser, email, "/v1/auth/verify", token=self.postbox.token(email))

    def log_in(self, email: str, password: str = PASSWORD) -> Member:
        return self.enter(self.browser(), email, "/v1/auth/login", email=email, password=password)

    def invited(self, by: Member, role: str) -> Member:
        """Somebody who accepted an invitation by this member."""
        email = f"{uuid.uuid4().hex[:12]}@example.com"
        made = self.api.post("/v1/invitations", {"email": email, "role": role}, key=by.access_token)
        assert made.status_code == 201, made.text
        self.run_errands()
        return self.enter(
            self.browser(), email, "/v1/invitations/accept",
            token=self.postbox.token(email), name="Ben", password=PASSWORD,
        )  # fmt: skip

    def enter(self, browser: TestClient, email: str, path: str, /, **body: str) -> Member:
        answer = browser.post(path, json=body)
        assert answer.status_code == 200, answer.text
        self.api.project()
        return Member(browser, email, answer.json())

"""What the product is busy with meanwhile: campaigns one after the other, and conversations."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import psycopg

from tests.support.whole_stack import Tenant, WholeStack

ENOUGH: Final = 80
"""Deliveries that wait to be sent; below that the next campaign begins."""
SENTENCES: Final = (
    "what can you do?",
    "draft a newsletter about our fresh bread for everybody",
    "how did my last campaign go?",
)
_WAITING: Final = """
    SELECT count(*) FROM state.sends WHERE organization_id = %s AND state = 'intended'
"""


@dataclass
class Load:
    """Two threads that keep sender and reply worker busy until told to stop.

    The API and the stores die meanwhile, so every request is repeated, under its key, until it is
    answered.
    """

    stack: WholeStack
    tenant: Tenant
    campaigns: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        for work in (self._send, self._talk):
            self._threads.append(threading.Thread(target=self._repeat, args=(work,), daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Finish what was begun, then end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(120)

    def begin_campaign(self) -> None:
        """A campaign to everybody, approved."""
        made = self._post(
            "/v1/campaigns",
            {
                "business_id": self.tenant.business_id,
                "type": "newsletter",
                "audience": {"conditions": {"all": []}},
                "emails": [
                    {"subject": "Hi", "html": "<p><a href='https://x.example'>Bread</a></p>"}
                ],
            },
        )
        self._post(f"/v1/campaigns/{made['id']}/approve", {"content_hash": made["content_hash"]})
        self.campaigns.append(made["id"])

    def _send(self) -> None:
        if self._waiting() < ENOUGH:
            self.begin_campaign()
            self._stop.wait(3)  # until its deliveries are intended
        self._stop.wait(0.5)

    def _talk(self) -> None:
        """One sentence in a conversation of its own."""
        made = self._post("/v1/conversations", {"business_id": self.tenant.business_id})
        text = SENTENCES[len(self.conversations) % len(SENTENCES)]
        self._post(f"/v1/conversations/{made['id']}/messages", {"text": text}, Prefer="wait=0")
        self.conversations.append(made["id"])
        self._stop.wait(2)

    def _waiting(self) -> int:
        with psycopg.connect(self.stack.addresses.postgres_worker_url) as connection:
            row = connection.execute(_WAITING, (self.tenant.organization_id,)).fetchone()
        return int(row[0]) if row else 0

    def _post(self, path: str, body: Any, **headers: str) -> Any:
        """The answer, however often it has to be asked for; done once, whatever dies."""
        key = str(uuid.uuid4())
        while True:
            try:
                answer = self.tenant.http.post(
                    path, json=body, headers={"Idempotency-Key": key, **headers}
                )
            except httpx.HTTPError:
                time.sleep(0.5)
                continue
            if answer.status_code < 300:
                return answer.json()
            if answer.status_code not in (503, 409):
                raise AssertionError(answer.text)
            time.sleep(0.5)

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except psycopg.OperationalError:
                time.sleep(0.5)

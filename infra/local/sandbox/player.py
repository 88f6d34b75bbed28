"""The loops behind the sandbox: events happen when they are due, webhooks are posted."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from infra.local.sandbox import happenings
from infra.local.sandbox.happenings import Outcome, Post
from infra.local.sandbox.registry import Registry
from infra.local.sandbox.servers import Webhook
from infra.local.sandbox.tables import Database

_CONNECTIONS = 32
_QUEUED = 512
_BREATH = 0.02  # seconds between two transactions while busy, so that they stay few and big
_LONGEST_NAP = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_log = logging.getLogger(__name__)


class Player:
    """Plays recipients and posts webhooks until stopped; all progress is in the database."""

    def __init__(self, database: Database, registry: Registry, clock: Callable[[], float]) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._planned = asyncio.Event()
        self._postable = asyncio.Event()
        self._queue: asyncio.Queue[Post] = asyncio.Queue()
        self._outcomes: list[Outcome] = []
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Say that events were planned."""
        self._planned.set()

    async def start(self) -> None:
        await self._database.run(happenings.release_posts)
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ttl_dns_cache=60)
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        self._spawn(self._let_happen)
        self._spawn(self._deal_out)
        for _ in range(_CONNECTIONS):
            self._spawn(self._post_queued)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._turn(0)
        await self._session.close()

    def _spawn(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.append(asyncio.create_task(self._kept_up(loop)))

    async def _kept_up(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a loop again should it ever fail: a sandbox that falls silent helps nobody."""
        while True:
            try:
                await loop()
            except Exception:  # noqa: BLE001 - logged; only a restart of the loop helps
                _log.exception("a loop of the sandbox failed; it starts again")
                await asyncio.sleep(1)

    async def _let_happen(self) -> None:
        while True:
            self._planned.clear()
            next_due = await self._database.run(
                lambda c: happenings.let_happen(c, self._registry, self._clock())
            )
            self._postable.set()
            await self._nap(self._planned, next_due)

    async def _deal_out(self) -> None:
        while True:
            self._postable.clear()
            posts, next_due = await self._turn(_QUEUED - self._queue.qsize())
            for post in posts:
                self._queue.put_nowait(post)
            await self._nap(self._postable, next_due)

    async def _nap(self, event: asyncio.Event, next_due: float | None) -> None:
        wait = _LONGEST_NAP if next_due is None else next_due - self._clock()
        await asyncio.sleep(_BREATH)
        if wait > _BREATH:
            try:
                await asyncio.wait_for(event.wait(), min(wait, _LONGEST_NAP))
            except TimeoutError:
                return

    async def _turn(self, room: int) -> tuple[list[Post], float | None]:
        """Record outcomes and claim at most `room` posts, in one transaction."""
        # taken here, on the loop's thread, where outcomes are added
        outcomes, self._outcomes = self._outcomes, []
        scale = self._registry.behaviour.time_scale

        def work(connection: sqlite3.Connection) -> tuple[list[Post], float | None]:
            now = self._clock()
            happenings.settle_posts(connection, outcomes, now, scale)
            return happenings.claim_posts(connection, now, room)

        try:
            return await self._database.run(work)
        except Exception:
            self._outcomes = outcomes + self._outcomes
            raise

    async def _post_queued(self) -> None:
        while True:
            post = await self._queue.get()
            outcome = await self._attempt(post)
            self._outcomes.append(outcome)
            self._postable.set()

    async def _attempt(self, post: Post) -> Outcome:
        url, headers = post.url, {"Content-Type": "application/x-www-form-urlencoded"}
        if post.webhook is not None:
            webhook = self._registry.webhook(post.server_id, post.webhook)
            if webhook is None:
                return Outcome(post, None, gone=True)
            url, headers = webhook.url, request_headers(webhook)
        try:
            async with self._session.post(
                str(url), data=post.body, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                return Outcome(post, response.status)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return Outcome(post, None)


def request_headers(webhook: Webhook) -> dict[str, str]:
    """The headers of its POSTs: its own ones, and basic auth as it was registered."""
    headers = {h.name: h.value for h in webhook.http_headers}
    headers["Content-Type"] = "application/json"
    headers["User-Agent"] = "Postmark"
    if webhook.http_auth:
        pair = f"{webhook.http_auth.username}:{webhook.http_auth.password}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers

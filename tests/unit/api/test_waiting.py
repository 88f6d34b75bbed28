"""Whoever waits holds no thread that somebody else needs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import uuid4

import pytest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api import requests
from api.auth import Principal
from api.errors import Problem
from api.ports import Progress, Services
from api.routers import analytics
from api.routers.contacts.importing import whole
from domain.shared.errors import UnavailableError
from schemas.positions import write_token

THREADS: Final = 40
"""As many as all requests of a process share."""
CALLER = Principal(uuid4(), "key:x", frozenset())
TOKEN = write_token({("contact-events", 0): 7})


class Reads:
    @contextmanager
    def of(self, _organization_id: str) -> Iterator[Any]:
        yield None


SERVICES = cast("Services", SimpleNamespace(reads=Reads()))


def request(turns: int = 1) -> Request:
    state = SimpleNamespace(analytics_turns=threading.Semaphore(turns))
    headers = [(b"nudge-min-position", TOKEN.encode())]
    return Request({"type": "http", "headers": headers, "app": SimpleNamespace(state=state)})


async def read() -> str:
    return await requests.read(request(), CALLER, SERVICES, ["contacts"], lambda _: "seen")


def test_readers_of_a_view_that_is_behind_leave_the_threads_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visible = threading.Event()
    monkeypatch.setattr(requests, "LONGEST_WAIT", 30.0)
    monkeypatch.setattr(requests, "reached", lambda *_: visible.is_set())

    async def everything() -> tuple[str, int, list[str]]:
        readers = [asyncio.create_task(read()) for _ in range(2 * THREADS)]
        await asyncio.sleep(0)  # each of them has begun
        other = await run_in_threadpool(lambda: "answered")
        waiting = sum(not reader.done() for reader in readers)
        visible.set()
        return other, waiting, await asyncio.gather(*readers)

    assert asyncio.run(everything()) == ("answered", 2 * THREADS, ["seen"] * 2 * THREADS)


def test_a_view_that_stays_behind_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "LONGEST_WAIT", 0.0)
    monkeypatch.setattr(requests, "reached", lambda *_: False)

    with pytest.raises(Problem) as refused:
        asyncio.run(read())

    assert (refused.value.status, refused.value.code) == (503, "not_yet_visible")


def test_an_analytics_store_that_lets_everybody_wait_leaves_the_threads_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen = threading.Event()
    monkeypatch.setattr(analytics, "LONGEST_TURN", 0.1)

    def question() -> dict[str, Any]:
        return {"thawed": frozen.wait(30)}

    async def everything() -> tuple[str, list[Any], list[Any]]:
        asking = request(turns=2)
        ask = analytics.in_turn
        asked = [asyncio.create_task(ask(asking, question)) for _ in range(2 * THREADS)]
        refused, _ = await asyncio.wait(asked[2:])
        other = await run_in_threadpool(lambda: "answered")
        frozen.set()
        answers = await asyncio.gather(*asked[:2])
        return other, [each.exception() for each in refused], answers

    other, refusals, answers = asyncio.run(everything())

    assert other == "answered"
    assert {type(each) for each in refusals} == {UnavailableError}
    assert answers == [{"thawed": True}] * 2


def test_imports_that_take_long_leave_the_threads_to_others() -> None:
    enough, until = threading.Event(), time.monotonic() + 30

    def steps() -> Iterator[Progress]:
        while not enough.is_set() and time.monotonic() < until:
            yield Progress(1, 0, 0, 1, 0, {})

    async def everything() -> tuple[str, int, set[int]]:
        imports = [asyncio.create_task(whole(steps())) for _ in range(2 * THREADS)]
        await asyncio.sleep(0)  # each of them has begun
        other = await run_in_threadpool(lambda: "answered")
        under_way = sum(not each.done() for each in imports)
        enough.set()
        return other, under_way, {each.status_code for each in await asyncio.gather(*imports)}

    assert asyncio.run(everything()) == ("answered", 2 * THREADS, {200})

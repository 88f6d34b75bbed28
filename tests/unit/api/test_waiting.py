"""Whoever waits holds no thread that somebody else needs."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.routers import analytics
from domain.shared.errors import UnavailableError

THREADS = 40
"""As many as all requests of a process share."""


def request(turns: int = 1) -> Request:
    state = SimpleNamespace(analytics_turns=threading.Semaphore(turns))
    return Request({"type": "http", "headers": [], "app": SimpleNamespace(state=state)})


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

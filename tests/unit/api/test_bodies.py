"""A body must come at some pace; what comes after it may take for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive

from api.bodies import paced
from api.errors import Problem
from api.ports import BodyLimits

NEVER = BodyLimits(wait=0.02, pace=10**9)
LONG = BodyLimits(wait=60, pace=1)


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def client(parts: Sequence[Message], *, then: Message | None = None) -> Receive:
    """Sends these, and after a while `then`, or nothing more."""
    left = list(parts)

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.sleep(0.1 if then else 3600)
        assert then is not None
        return then

    return receive


async def everything(receive: Receive, parts: int) -> list[Message]:
    return [await receive() for _ in range(parts)]


def test_a_body_that_comes_is_passed_on_as_it_is() -> None:
    parts = [part(b"a", more=True), part(b"b", more=False)]
    assert asyncio.run(everything(paced(client(parts), LONG), 2)) == parts


def test_a_body_that_stops_coming_gets_408() -> None:
    receive = paced(client([part(b"a", more=True)]), NEVER)
    with pytest.raises(Problem) as raised:
        asyncio.run(everything(receive, 2))
    assert (raised.value.status, raised.value.code) == (408, "body_too_slow")
    assert raised.value.headers == {"Connection": "close"}


def test_bytes_that_are_there_buy_time() -> None:
    limits = BodyLimits(wait=0.02, pace=1)  # a second more for every byte
    parts = [part(b"x" * 60, more=True)]
    receive = paced(client(parts, then=part(b"y", more=False)), limits)
    assert asyncio.run(everything(receive, 2))[1]["body"] == b"y"


def test_after_the_body_the_client_may_take_its_time_to_leave() -> None:
    gone: Message = {"type": "http.disconnect"}
    receive = paced(client([part(b"a", more=False)], then=gone), NEVER)
    assert asyncio.run(everything(receive, 2))[1] == gone

"""Bodies that come too slowly: a client that sends next to nothing must not hold a place."""

from __future__ import annotations

import asyncio
import time

from starlette.types import Message, Receive

from api.errors import Problem
from api.ports import BodyLimits


def paced(receive: Receive, limits: BodyLimits) -> Receive:
    """`receive`, which gives up on a body that comes too slowly.

    A body has `limits.wait` seconds, and one more for every `limits.pace` bytes that are there.
    After the body it waits as long as it is asked to: then only the client's leaving can come.
    Raises Problem (408).
    """
    began = time.monotonic()
    size = 0
    complete = False

    async def next_part() -> Message:
        nonlocal size, complete
        if complete:
            return await receive()
        left = began + limits.wait + size / limits.pace - time.monotonic()
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError:
            raise _too_slow(limits) from None
        size += len(message.get("body", b""))
        complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return next_part


def _too_slow(limits: BodyLimits) -> Problem:
    return Problem(
        408,
        "body_too_slow",
        f"The body stopped coming. It has {limits.wait:g} s, and a second more for every"
        f" {limits.pace:,} bytes. Nothing was done; send it again.",
        headers={"Connection": "close"},
    )

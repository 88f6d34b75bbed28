"""The four endpoints that take messages, and the faults they play."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from random import Random
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from infra.local.sandbox.intake import Batch, Conditions, rendered, take_batch
from infra.local.sandbox.outbox import store_batch
from infra.local.sandbox.refusals import MAX_BATCH, MAX_MESSAGE_BYTES, RefusedError
from infra.local.sandbox.registry import TEST_SERVER
from infra.local.sandbox.servers import Server
from infra.local.sandbox.web import Sandbox, answer, parse_json, read_body, sandbox_of, server_of

_MOST_MESSAGE_JSON = 2 * MAX_MESSAGE_BYTES  # escapes make JSON longer than what it says


class NoAnswer(Response):
    """Says nothing until the client goes or the time is up, then breaks the connection off."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.wait_for(_disconnected(receive), self._seconds)
        except TimeoutError:
            # a body promised and not sent makes the server cut the connection
            headers = [(b"content-length", b"1")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_email(request: Request) -> Response:
    """POST /email"""
    return await _send_one(request, templated=False)


async def send_with_template(request: Request) -> Response:
    """POST /email/withTemplate"""
    return await _send_one(request, templated=True)


async def _send_one(request: Request, *, templated: bool) -> Response:
    server = server_of(request)
    _play_refusing_faults(request)
    message = await parse_json(await read_body(request, _MOST_MESSAGE_JSON))
    if not isinstance(message, dict):
        raise RefusedError(403, "The message is not a JSON object.")
    if templated:
        message = rendered(message, server)
    batch = await _take(request, server, [message], orjson.dumps([message]))
    first = batch.answers[0]
    return await _answered(request, answer(first, 422 if first["ErrorCode"] else 200))


async def send_batch(request: Request) -> Response:
    """POST /email/batch: 200 even when single messages are refused, each answer says which."""
    server = server_of(request)
    _play_refusing_faults(request)
    raw = await read_body(request)
    messages = _checked_batch(await parse_json(raw))
    batch = await _take(request, server, messages, raw)
    return await _answered(request, answer(batch.answers))


async def send_batch_with_templates(request: Request) -> Response:
    """POST /email/batchWithTemplates"""
    server = server_of(request)
    _play_refusing_faults(request)
    body = await parse_json(await read_body(request))
    messages = _checked_batch(body.get("Messages") if isinstance(body, dict) else None)
    plain: list[Any] = []
    failed: dict[int, RefusedError] = {}
    for place, message in enumerate(messages):
        try:
            plain.append(rendered(message, server))
        except RefusedError as refusal:
            failed[place] = refusal
    batch = await _take(request, server, plain, orjson.dumps(plain))
    answers = list(batch.answers)
    for place, error in sorted(failed.items()):
        answers.insert(place, {"ErrorCode": error.code, "Message": error.message})
    return await _answered(request, answer(answers))


def _checked_batch(messages: Any) -> list[Any]:
    if not isinstance(messages, list):
        raise RefusedError(403, "The batch is not a JSON array of messages.")
    if len(messages) > MAX_BATCH:
        raise RefusedError(410, f"Too many messages in the batch: at most {MAX_BATCH}.")
    return messages


async def _take(request: Request, server: Server, messages: list[Any], raw: bytes) -> Batch:
    """Check and store; when this returns the messages are committed."""
    sandbox = sandbox_of(request)
    registry = sandbox.registry
    conditions = Conditions(
        server=server,
        behaviour=registry.behaviour,
        is_suppressed=lambda stream, to: registry.suppression(server.id, stream, to) is not None,
        now=sandbox.clock(),
        new_id=sandbox.new_id,
    )
    batch = await _aside(len(raw), messages, raw, conditions)
    if server is not TEST_SERVER:
        scale = registry.behaviour.time_scale
        await sandbox.database.run(lambda connection: store_batch(connection, batch, scale))
        sandbox.player.wake()
    return batch


def _aside(size: int, messages: list[Any], raw: bytes, conditions: Conditions) -> Awaitable[Batch]:
    """A small batch at once, a big one on another thread, so that the loop stays responsive."""
    if size > 256 * 1024:
        return asyncio.to_thread(take_batch, messages, raw, conditions)
    done: asyncio.Future[Batch] = asyncio.get_running_loop().create_future()
    done.set_result(take_batch(messages, raw, conditions))
    return done


def _play_refusing_faults(request: Request) -> None:
    sandbox = sandbox_of(request)
    faults, chance = sandbox.registry.behaviour.faults, _chance(sandbox)
    if chance.random() < faults.rate_limit:
        raise RefusedError(429, "Too many requests. Slow down.", 429)
    if chance.random() < faults.maintenance:
        raise RefusedError(100, "The Postmark API is offline for maintenance.", 503)
    if chance.random() < faults.error_500:
        raise RefusedError(500, "Internal server error.", 500)


async def _answered(request: Request, response: Response) -> Response:
    """The response, or, when the fault strikes, none at all."""
    sandbox = sandbox_of(request)
    faults = sandbox.registry.behaviour.faults
    if _chance(sandbox).random() < faults.timeout_after_accept:
        return NoAnswer(faults.hang_seconds)
    return response


def _chance(sandbox: Sandbox) -> Random:
    """Faults of requests follow the request's own new id, so no two strike together for long."""
    return Random(f"{sandbox.registry.behaviour.seed} {sandbox.new_id()}")


routes = [
    Route("/email", send_email, methods=["POST"]),
    Route("/email/batch", send_batch, methods=["POST"]),
    Route("/email/withTemplate", send_with_template, methods=["POST"]),
    Route("/email/batchWithTemplates", send_batch_with_templates, methods=["POST"]),
]

"""What every endpoint needs: tokens, JSON in and out, query parameters, Postmark's errors."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from infra.local.sandbox import ACCOUNT_TOKEN
from infra.local.sandbox.payloads import timestamp
from infra.local.sandbox.player import Player
from infra.local.sandbox.refusals import MAX_BATCH_BYTES, RefusedError
from infra.local.sandbox.registry import TEST_SERVER, Registry
from infra.local.sandbox.servers import Server, Stream
from infra.local.sandbox.tables import Database

M = TypeVar("M", bound=BaseModel)
_PARSE_ASIDE_BYTES = 256 * 1024
PROVIDER_ZONE = ZoneInfo("America/New_York")  # Postmark's dates are Eastern time


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The parts that endpoints work with, in `request.app.state.sandbox`."""

    database: Database
    registry: Registry
    player: Player
    clock: Callable[[], float]
    new_id: Callable[[], object]
    base_url: str

    def now_text(self) -> str:
        return timestamp(self.clock())


def sandbox_of(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def refusal_answer(refusal: RefusedError) -> Response:
    return answer({"ErrorCode": refusal.code, "Message": refusal.message}, refusal.status)


def server_of(request: Request) -> Server:
    """The server whose token the request carries; raises the 401 of Postmark."""
    token = request.headers.get("X-Postmark-Server-Token", "")
    if not token:
        raise RefusedError(
            10, "Please add a header for X-Postmark-Server-Token with a Server API token.", 401
        )
    server = sandbox_of(request).registry.server_by_token(token)
    if server is None:
        raise RefusedError(10, "Request does not contain a valid Server token.", 401)
    return server


def require_account(request: Request) -> None:
    if request.headers.get("X-Postmark-Account-Token") != ACCOUNT_TOKEN:
        raise RefusedError(10, "Request does not contain a valid Account token.", 401)


def stream_of(server: Server, stream_id: str) -> Stream:
    stream = server.stream(stream_id)
    if stream is None:
        raise RefusedError(1226, "The message stream for the provided 'ID' was not found.", 404)
    return stream


async def change_server(request: Request, change: Callable[[Server], Server]) -> None:
    """Apply the change to the newest state of the request's server and store it.

    Changes run one after another, so none is lost; one that raises RefusedError stores nothing.
    """
    server_id = server_of(request).id
    if server_id == TEST_SERVER.id:
        raise RefusedError(10, "The test token changes nothing.", 401)
    sandbox = sandbox_of(request)
    registry = sandbox.registry

    def apply(connection: sqlite3.Connection) -> None:
        server = registry.server(server_id)
        if server is not None:
            registry.save(connection, change(server))

    await sandbox.database.run(apply)


async def read_body(request: Request, limit: int = MAX_BATCH_BYTES) -> bytes:
    """The whole body; raises a 413 as soon as it is larger than `limit` bytes."""
    kind = request.headers.get("Content-Type", "application/json")
    if "json" not in kind:
        raise RefusedError(409, "Content-Type and Accept must be application/json.", 415)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise RefusedError(413, f"The request is larger than {limit} bytes.", 413)
    except ClientDisconnect:
        raise RefusedError(402, "The request broke off.", 400) from None
    return bytes(body)


async def parse_json(body: bytes) -> Any:
    """The body as JSON; big ones are parsed on another thread."""
    try:
        if len(body) > _PARSE_ASIDE_BYTES:
            return await asyncio.to_thread(orjson.loads, body)
        return orjson.loads(body)
    except ValueError:
        raise RefusedError(402, "Received invalid JSON input. Check it and try again.") from None


async def read_model(request: Request, model: type[M]) -> M:
    """The body as this document; raises ErrorCode 403 that names the first wrong field."""
    return parse_model(await parse_json(await read_body(request, 10 * 1024 * 1024)), model)


def parse_model(content: Any, model: type[M]) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RefusedError(403, first_problem(error)) from None


def first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return f"'{where}': {first['msg']}"


def number(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    """A count or offset; raises 422 when it is none or above the highest."""
    text = query.get(name)
    if text is None or text == "":
        return default
    try:
        value = int(text) if len(text) < 19 else highest + 1
    except ValueError:
        value = -1
    if not 0 <= value <= highest:
        raise RefusedError(600, f"'{name}' must be a number from 0 to {highest}.")
    return value


def moment(query: Mapping[str, str], name: str, *, end_of_day: bool) -> float | None:
    """`2026-01-31` or `2026-01-31T12:00:00` as seconds since 1970; raises 422."""
    text = query.get(name)
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            clock = datetime.max.time() if end_of_day else datetime.min.time()
            found = datetime.combine(date.fromisoformat(text), clock)
        else:
            found = datetime.fromisoformat(text)
        zoned = found if found.tzinfo else found.replace(tzinfo=PROVIDER_ZONE)
        return zoned.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise RefusedError(600, f"'{name}' is not a date.") from None

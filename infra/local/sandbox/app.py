"""Puts the sandbox together: database, registry, player and endpoints."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from infra.local.sandbox import account, control, reads, search, sending, streams, webhooks
from infra.local.sandbox.payloads import timestamp
from infra.local.sandbox.player import Player
from infra.local.sandbox.refusals import RefusedError
from infra.local.sandbox.registry import Registry
from infra.local.sandbox.servers import Server, default_streams
from infra.local.sandbox.tables import Database
from infra.local.sandbox.web import Sandbox, answer, refusal_answer

_ROUTES: list[BaseRoute] = [
    *sending.routes,
    *reads.routes,
    *search.routes,
    *account.routes,
    *streams.routes,
    *webhooks.routes,
    *control.routes,
]


def make_app(folder: Path, base_url: str, server_token: str | None = None) -> Starlette:
    """The sandbox with its state in `folder`; `server_token` gets a server of its own."""
    database = Database(folder / "sandbox.sqlite3")
    registry = database.run_now(Registry)
    player = Player(database, registry, time.time)
    sandbox = Sandbox(database, registry, player, time.time, uuid.uuid4, base_url)
    if server_token:
        _ensure_server(sandbox, server_token)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.sandbox = sandbox
        await player.start()
        try:
            yield
        finally:
            await player.stop()
            database.close()

    handlers = {RefusedError: _refused, HTTPException: _http_error}
    return Starlette(routes=_ROUTES, lifespan=lifespan, exception_handlers=handlers)


def _ensure_server(sandbox: Sandbox, token: str) -> None:
    registry = sandbox.registry
    if registry.server_by_token(token):
        return
    number = registry.next_server_id()
    server = Server(
        id=number,
        name=f"Configured {number}",
        api_tokens=[token],
        streams=default_streams(number, timestamp(sandbox.clock())),
    )
    sandbox.database.run_now(lambda connection: registry.save(connection, server))


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return refusal_answer(error)


async def _http_error(_request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in Postmark's shape too: clients read ErrorCode blindly."""
    if not isinstance(error, HTTPException):
        raise error
    return answer({"ErrorCode": error.status_code, "Message": error.detail}, error.status_code)

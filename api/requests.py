"""How endpoints do their work: commands that are answered once, reads that wait for a position."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from api.errors import Problem, unavailable
from api.ports import Answer, CommandTransaction, Connection, Services
from domain.shared.meta import Meta
from projections.queries.progress import reached, readers_of
from projections.queries.rows import Page, Row
from schemas.positions import BadTokenError, Positions, read_token
from schemas.registry import default_registry

T = TypeVar("T")
LONGEST_WAIT = 5.0
_POLL = 0.015
_SLOWEST_POLL = 0.25


class _NotVisibleYetError(Exception):
    """The views do not have what the caller wants to see."""


def meta_of(request: Request, principal: Principal, services: Services) -> Meta:
    """The circumstances of a command: this caller, this request, now."""
    request_id: UUID = request.state.correlation_id
    return Meta(
        organization_id=principal.organization_id,
        actor=principal.actor,
        correlation_id=request_id,
        causation_id=request_id,
        now=services.clock(),
    )


async def request_hash(request: Request) -> bytes:
    """What makes two requests the same: method, path, query and body."""
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode() + b"\0")
    digest.update(await request.body())
    return digest.digest()


async def command(
    request: Request,
    principal: Principal,
    services: Services,
    decide: Callable[[CommandTransaction, Meta], Answer],
) -> Response:
    """Carry a command out and answer it; with an Idempotency-Key, once."""
    key = idempotency_key(request)
    meta = meta_of(request, principal, services)
    answer, replayed = await run_in_threadpool(
        services.commands.run_once,
        principal.organization_id,
        key,
        await request_hash(request) if key else b"",
        lambda tx: decide(tx, meta),
    )
    return response_of(answer, replayed=replayed)


def idempotency_key(request: Request) -> str | None:
    """The key of a POST, if it has one. 422 for one longer than 255 characters."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and not 1 <= len(key) <= 255:
        raise Problem(422, "invalid_idempotency_key", "An Idempotency-Key has 1 to 255 characters.")
    return key


def response_of(answer: Answer, *, replayed: bool = False) -> Response:
    """An answer as a response."""
    if replayed and answer.secret:
        raise Problem(409, "secret_already_shown", "The secret was shown once. Make a new one.")
    headers = dict(answer.headers)
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return JSONResponse(answer.body, answer.status, headers=headers)


async def read(
    request: Request,
    principal: Principal,
    services: Services,
    views: Collection[str],
    query: Callable[[Connection], T],
) -> T:
    """What `query` finds, once `views` have what the caller's Nudge-Min-Position names.

    No thread is held while they have not: everybody else needs it.
    """
    wanted = wanted_positions(request)
    topics = readers_of(default_registry()) if wanted else {}

    def look() -> T:
        with services.reads.of(str(principal.organization_id)) as connection:
            if wanted and not reached(connection, wanted, views, topics):
                raise _NotVisibleYetError
            return query(connection)

    began = time.monotonic()
    while True:
        try:
            return await run_in_threadpool(look)
        except _NotVisibleYetError:
            waited = time.monotonic() - began
            if waited > LONGEST_WAIT:
                raise _never_visible() from None
        await asyncio.sleep(min(max(_POLL, waited / 10), _SLOWEST_POLL))


def _never_visible() -> Problem:
    return unavailable("The read model has not got there yet.", "not_yet_visible")


def wanted_positions(request: Request) -> Positions:
    """The caller's Nudge-Min-Position. 422 for a token that is none of ours."""
    token = request.headers.get("nudge-min-position", "")
    try:
        return read_token(token) if token else {}
    except BadTokenError as error:
        raise Problem(422, "bad_position", str(error)) from None


def etag(version: int) -> str:
    """A resource's ETag: the version of its stream."""
    return f'"v{version}"'


def ensure_unchanged(request: Request, version: int) -> None:
    """412 when the caller's If-Match names another version of the resource."""
    given = request.headers.get("if-match")
    if given is not None and given.strip() not in ("*", etag(version)):
        raise Problem(
            412, "stale_etag", "The resource has changed since. Read it again, then retry."
        )


def required(row: T | None, what: str) -> T:
    """The row, or 404."""
    if row is None:
        raise Problem(404, "not_found", f"There is no such {what}.")
    return row


def body_of(page: Page, show: Callable[[Row], Any]) -> dict[str, Any]:
    """A list's answer; `show` makes an item of a row."""
    return {
        "items": [show(row) for row in page.items],
        "page": page.page,
        "limit": page.limit,
        "total": page.total,
        "next_after": page.next_after,
    }

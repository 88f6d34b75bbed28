"""The door for the provider's webhooks: whose it is, how large; then the raw body goes to Kafka."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import ServicesOf
from api.bodies import paced
from api.errors import Problem, problem_of, respond
from api.frame import request_id_of
from api.headers import SecurityHeaders
from api.limiting import Limiter, address_of
from api.ports import Services

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
PATH: Final = "/v1/webhooks/postmark"
_SECONDS = Histogram("nudge_webhook_request_seconds", "Time to take a webhook.", ["status"])
_log = structlog.get_logger("api")
LARGEST_WEBHOOK = 10 * 1024 * 1024
_CLIENTS_LONGEST = 10_000
_ANYTHING: Final[dict[str, Any]] = {
    "security": [{"webhook": []}],
    "requestBody": {
        "description": "A webhook of Postmark; whatever it holds is stored as it is.",
        "content": {"application/json": {"schema": {}, "example": {"RecordType": "Delivery"}}},
    },
}


@router.post("/postmark", response_class=Response, openapi_extra=_ANYTHING)
async def postmark(request: Request, services: ServicesOf) -> Response:
    """Take one webhook, whatever it holds. 200 means: it is stored, on all replicas."""
    return await take(request, services)


class WebhookDoor:
    """The same endpoint in front of everything else: a provider's burst is most of our traffic,
    and what other requests need around them costs three times what this one does itself."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._always = SecurityHeaders(encrypted=services.public_url.startswith("https:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive)
        request_id = request_id_of(request.headers, self._services)
        try:
            response = await take(request, self._services)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - answered as every other endpoint answers it
            problem = problem_of(error)
            if problem.status == 500:
                _log.exception("unexpected error", exc_info=error, request_id=request_id)
            await scope["app"].state.refusals.note(request, problem.status, problem.code)
            response = respond(problem, request_id)
        response.headers["X-Request-Id"] = request_id
        self._always.add(response.headers)
        _SECONDS.labels(response.status_code).observe(time.perf_counter() - began)
        await response(scope, receive, send)


async def take(request: Request, services: Services) -> Response:
    """Whose it is, how large, to Kafka, 200. Raises Problem and UnavailableError."""
    organization_id = await organization_of(request, services)
    unhurried = Request(request.scope, paced(request.receive, services.bodies))
    body = await read_at_most(unhurried, LARGEST_WEBHOOK)
    await services.webhook_intake.put(organization_id, body)
    return Response()


async def organization_of(request: Request, services: Services) -> str:
    """Whose webhook it is, by its basic credentials. 401, never 403: a 403 stops Postmark."""
    pair = basic_credentials(request.headers.get("authorization", ""))
    if pair is None:
        raise _unknown()
    known = services.webhook_credentials.known(*pair)
    if known is not None:
        return known
    # A webhook whose credentials are known is never refused, however many come: a provider's burst
    # comes from few addresses. Guesses cost a look-up each, and are counted.
    limiter: Limiter = request.app.state.limiter
    limiter.take_address(address_of(request.scope))
    found = await services.webhook_credentials.looked_up(*pair)
    if found is None:
        raise _unknown()
    return found


def basic_credentials(header: str) -> tuple[str, str] | None:
    """User name and password of an Authorization header, if it holds them."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _CLIENTS_LONGEST:
        return None
    try:
        name, colon, password = (
            base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


async def read_at_most(request: Request, limit: int) -> bytes:
    """The body. 413 as soon as it is known to be larger."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"A webhook holds at most {limit} bytes.")


def _unknown() -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "Send the webhook credentials of an organization as HTTP basic authentication.",
        headers={"WWW-Authenticate": 'Basic realm="webhooks"'},
    )

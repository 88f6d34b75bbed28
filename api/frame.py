"""What surrounds every request: an id, a bounded body, a measured answer. Plain ASGI, so cheap."""

from __future__ import annotations

import re
import time
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import paced
from api.errors import Problem, respond
from api.headers import SecurityHeaders
from api.limiting import Limiter, address_of
from api.ports import Services

_log = structlog.get_logger("api")
_READS: Final = ("GET", "HEAD", "OPTIONS")
LARGEST_BODY: Final = 2 * 1024 * 1024
_REQUESTS = Histogram("nudge_api_request_seconds", "Time to answer.", ["method", "route", "status"])
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_REQUEST_SPACE = UUID("4e1c3c5e-8b1e-4f6e-9d53-5c6a4a2b9a01")
_STREAMED: Final = ("/v1/contacts/import",)
_UNCOUNTED: Final = ("/health", "/metrics", "/u/")
"""What never gets 429: probes, and links in mails, which providers use from few addresses."""


def correlation_id_of(request_id: str) -> UUID:
    """The correlation id of a request's events: the request id itself when it is a UUID."""
    try:
        return UUID(request_id)
    except ValueError:
        return uuid5(_REQUEST_SPACE, request_id)


def request_id_of(headers: Headers, services: Services) -> str:
    """The X-Request-Id that was sent, or a fresh one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(services.new_id())


class RequestFrame:
    """Names, counts, bounds and measures every HTTP request."""

    def __init__(self, app: ASGIApp, services: Services, limiter: Limiter) -> None:
        self._app = app
        self._services = services
        self._limiter = limiter
        self._always = SecurityHeaders(encrypted=services.public_url.startswith("https:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = request_id_of(headers, self._services)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["correlation_id"] = correlation_id_of(request_id)
        answer = _Answer(send, request_id, scope, self._always)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._within_bounds(headers, scope, receive, answer.send)
        except Problem as problem:
            await respond(problem, request_id)(scope, receive, answer.send)
        finally:
            answer.log()
            structlog.contextvars.unbind_contextvars("request_id", "organization_id", "user_id")

    async def _within_bounds(
        self, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Raises Problem before the application has seen anything."""
        path = scope["path"]
        if not path.startswith(_UNCOUNTED):
            self._limiter.take_address(address_of(scope))
        receive = paced(receive, self._services.bodies)
        if path not in _STREAMED:
            if _declared(headers) > LARGEST_BODY:
                raise _too_large()
            receive = _bounded(receive)
        await self._app(scope, receive, send)


class _Answer:
    """Sends the answer with its request id, and measures it."""

    def __init__(self, send: Send, request_id: str, scope: Scope, always: SecurityHeaders) -> None:
        self._send = send
        self._request_id = request_id
        self._scope = scope
        self._always = always
        self._began = time.perf_counter()
        self._status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            headers.update(self._scope["state"].get("rate_headers", {}))
            self._always.add(headers)
            route = getattr(self._scope.get("route"), "path", "none")
            self._status = message["status"]
            labels = _REQUESTS.labels(self._scope["method"], route, message["status"])
            labels.observe(time.perf_counter() - self._began)
        await self._send(message)

    def log(self) -> None:
        """One entry for whatever changes something or is refused; by its route, never its text."""
        method, status = self._scope["method"], self._status
        say = _log.info if method not in _READS or status >= 400 else _log.debug
        route = getattr(self._scope.get("route"), "path", "none")
        milliseconds = round((time.perf_counter() - self._began) * 1000, 1)
        say("request", method=method, route=route, status=status, milliseconds=milliseconds)


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdigit() else 0


def _too_large() -> Problem:
    return Problem(413, "too_large", f"A body holds at most {LARGEST_BODY:,} bytes.")


def _bounded(receive: Receive) -> Receive:
    """`receive`, refusing a body that grows beyond the limit without having said so."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise _too_large()
        return message

    return bounded

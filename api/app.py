"""The HTTP application: middleware, errors and routers put together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid5

import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import Histogram

from api import errors
from api.auth import ApiKeys
from api.gateway.endpoint import router as gateway
from api.gateway.limits import Seats
from api.personal_reads import PersonalReads
from api.ports import Services
from api.requests import request_id_of
from api.routers.analytics import router as analytics
from api.routers.asyncapi import router as asyncapi
from api.routers.businesses.endpoints import router as businesses
from api.routers.campaigns.actions import router as campaign_actions
from api.routers.campaigns.endpoints import router as campaigns
from api.routers.campaigns.running import router as campaign_runs
from api.routers.contacts.endpoints import router as contacts
from api.routers.contacts.importing import router as contact_imports
from api.routers.conversations.endpoints import router as conversations
from api.routers.deliveries.endpoints import router as deliveries
from api.routers.events import router as events
from api.routers.health import router as health
from api.routers.organization import router as organization
from api.routers.postmark import router as postmark
from api.routers.registry import router as registry
from api.routers.unsubscribe import router as unsubscribe
from api.routers.webhooks import WebhookDoor
from api.routers.webhooks import router as webhooks

_REQUESTS = Histogram("nudge_api_request_seconds", "Time to answer.", ["method", "route", "status"])
_REQUEST_SPACE = UUID("4e1c3c5e-8b1e-4f6e-9d53-5c6a4a2b9a01")
LARGEST_BODY = 2 * 1024 * 1024


def correlation_id_of(request_id: str) -> UUID:
    """The correlation id of a request's events: the request id itself when it is a UUID."""
    try:
        return UUID(request_id)
    except ValueError:
        return uuid5(_REQUEST_SPACE, request_id)


def build_app(services: Services) -> FastAPI:
    """The application over what it is given; starts nothing by itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with services.running():
            yield

    app = FastAPI(title="NudgeCampaign", version="1", lifespan=lifespan, docs_url="/docs")
    app.state.services = services
    app.state.api_keys = ApiKeys(services.reads)
    app.state.seats = Seats(services.sockets.connections)
    app.state.personal_reads = PersonalReads()
    errors.install(app)
    _add_middleware(app, services)
    for router in (
        health,
        organization,
        postmark,
        events,
        businesses,
        contacts,
        contact_imports,
        campaigns,
        campaign_actions,
        campaign_runs,
        deliveries,
        conversations,
        gateway,
        analytics,
        registry,
        asyncapi,
        webhooks,
        unsubscribe,
    ):
        app.include_router(router)
    app.add_middleware(WebhookDoor, services=services)  # the last one stands outermost
    return app


def _add_middleware(app: FastAPI, services: Services) -> None:
    @app.middleware("http")
    async def name_and_measure(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        request_id = request_id_of(request, services)
        request.state.request_id = request_id
        request.state.correlation_id = correlation_id_of(request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        response = await call_next(request)
        response.headers["X-Request-Id"] = request_id
        route = getattr(request.scope.get("route"), "path", "none")
        _REQUESTS.labels(request.method, route, response.status_code).observe(
            time.perf_counter() - began
        )
        structlog.contextvars.clear_contextvars()
        return response

    @app.middleware("http")
    async def limit_body(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        length = request.headers.get("content-length", "0")
        streamed = request.url.path.endswith("/import") or "/webhooks/" in request.url.path
        if not streamed and (not length.isdigit() or int(length) > LARGEST_BODY):
            too_large = errors.Problem(
                413, "too_large", f"A body holds at most {LARGEST_BODY} bytes."
            )
            return errors.respond(too_large, getattr(request.state, "request_id", ""))
        return await call_next(request)

"""The HTTP application: frame, errors and routers put together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api import errors
from api.auth import Callers
from api.document import DocumentedApi
from api.frame import RequestFrame
from api.gateway.endpoint import router as gateway
from api.gateway.limits import Changes, Seats
from api.limiting import Limiter
from api.paging import known_parameters
from api.personal_reads import PersonalReads
from api.ports import Services
from api.routers.analysts.endpoints import router as analysts
from api.routers.analytics import AT_ONCE as ANALYTICS_AT_ONCE
from api.routers.analytics import router as analytics
from api.routers.asyncapi import router as asyncapi
from api.routers.audit import router as audit
from api.routers.businesses.endpoints import router as businesses
from api.routers.campaigns.actions import router as campaign_actions
from api.routers.campaigns.endpoints import router as campaigns
from api.routers.campaigns.running import router as campaign_runs
from api.routers.campaigns.why_not import router as why_not
from api.routers.contacts.endpoints import router as contacts
from api.routers.contacts.importing import AT_ONCE as IMPORTS_AT_ONCE
from api.routers.contacts.importing import router as contact_imports
from api.routers.contacts.privacy import router as privacy
from api.routers.conversations.endpoints import router as conversations
from api.routers.deliveries.deciding import router as deciding
from api.routers.deliveries.endpoints import router as deliveries
from api.routers.deliveries.why import router as why
from api.routers.docs import router as docs
from api.routers.events import router as events
from api.routers.health import Probes
from api.routers.health import router as health
from api.routers.keys.endpoints import router as keys
from api.routers.leaving.endpoints import router as leaving
from api.routers.organization import router as organization
from api.routers.people.account import router as account
from api.routers.people.entrance import router as entrance
from api.routers.people.entrance import well_known
from api.routers.people.invitations import router as invitations
from api.routers.people.pages import router as pages
from api.routers.people.sessions import router as sessions
from api.routers.people.users import router as users
from api.routers.postmark import router as postmark
from api.routers.registry import router as registry
from api.routers.unsubscribe import router as unsubscribe
from api.routers.webhooks import WebhookDoor
from api.routers.webhooks import router as webhooks
from api.security import Refusals

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ASKED: Final = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match",
                 "Nudge-Min-Position", "Prefer", "X-Request-Id")  # fmt: skip
_TOLD: Final = ("ETag", "Idempotency-Replayed", "Location", "Nudge-Position", "RateLimit",
                "RateLimit-Policy", "Retry-After", "X-Request-Id")  # fmt: skip
"""Headers of other origins' pages: what they may send, and what they may read of an answer."""


def build_app(services: Services) -> FastAPI:
    """The application over what it is given; starts nothing by itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def forget() -> None:
            callers.keys.forget()
            loop.call_soon_threadsafe(changes.ring)

        async with services.running():
            services.key_traffic.on_change(forget)
            yield

    # No page from elsewhere; no redirect, which would go wherever the Host header says.
    app = DocumentedApi(
        title="NudgeCampaign",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.limiter = limiter = Limiter(services)
    app.state.callers = callers = Callers(services)
    app.state.changes = changes = Changes()
    app.state.probes = Probes(services)
    app.state.seats = Seats(services.sockets.connections)
    app.state.analytics_turns = threading.Semaphore(ANALYTICS_AT_ONCE)
    app.state.import_turns = threading.Semaphore(IMPORTS_AT_ONCE)
    app.state.personal_reads = PersonalReads()
    app.state.refusals = Refusals(services)
    errors.install(app, app.state.refusals.note)
    if services.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=services.cors_origins,
            allow_credentials=True,
            allow_methods=_METHODS,
            allow_headers=_ASKED,
            expose_headers=_TOLD,
        )
    app.add_middleware(RequestFrame, services=services, limiter=limiter)
    for router in (
        health,
        entrance,
        well_known,
        pages,
        users,
        invitations,
        sessions,
        account,
        organization,
        leaving,
        postmark,
        keys,
        events,
        audit,
        businesses,
        contacts,
        contact_imports,
        privacy,
        campaigns,
        campaign_actions,
        campaign_runs,
        why_not,
        deciding,
        deliveries,
        why,
        conversations,
        gateway,
        analytics,
        analysts,
        registry,
        asyncapi,
        webhooks,
        unsubscribe,
    ):
        app.include_router(router, dependencies=[Depends(known_parameters)])
    app.include_router(docs)
    app.add_middleware(WebhookDoor, services=services)  # the last one stands outermost
    return app

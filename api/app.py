"""The HTTP application: frame, errors and routers put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from api import errors
from api.auth import Callers
from api.document import DocumentedApi
from api.frame import RequestFrame
from api.gateway.endpoint import router as gateway
from api.gateway.limits import Seats
from api.paging import known_parameters
from api.personal_reads import PersonalReads
from api.ports import Services
from api.routers.analytics import router as analytics
from api.routers.asyncapi import router as asyncapi
from api.routers.businesses.endpoints import router as businesses
from api.routers.campaigns.actions import router as campaign_actions
from api.routers.campaigns.endpoints import router as campaigns
from api.routers.campaigns.running import router as campaign_runs
from api.routers.campaigns.why_not import router as why_not
from api.routers.contacts.endpoints import router as contacts
from api.routers.contacts.importing import router as contact_imports
from api.routers.contacts.privacy import router as privacy
from api.routers.conversations.endpoints import router as conversations
from api.routers.deliveries.deciding import router as deciding
from api.routers.deliveries.endpoints import router as deliveries
from api.routers.deliveries.why import router as why
from api.routers.events import router as events
from api.routers.health import router as health
from api.routers.organization import router as organization
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


def build_app(services: Services) -> FastAPI:
    """The application over what it is given; starts nothing by itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with services.running():
            yield

    app = DocumentedApi(title="NudgeCampaign", version="1", lifespan=lifespan, docs_url="/docs")
    app.state.services = services
    app.state.callers = Callers(services)
    app.state.seats = Seats(services.sockets.connections)
    app.state.personal_reads = PersonalReads()
    errors.install(app)
    app.add_middleware(RequestFrame, services=services)
    for router in (
        health,
        entrance,
        well_known,
        pages,
        users,
        invitations,
        sessions,
        organization,
        postmark,
        events,
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
        registry,
        asyncapi,
        webhooks,
        unsubscribe,
    ):
        app.include_router(router, dependencies=[Depends(known_parameters)])
    app.add_middleware(WebhookDoor, services=services)  # the last one stands outermost
    return app

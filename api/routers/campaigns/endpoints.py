"""Campaigns: draft, read, list, change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.as_of import AsOf, header_of, past_of, was_there
from api.auth import Caller, ServicesOf, allow
from api.document import refuses
from api.paging import Part
from api.ports import Answer, CommandTransaction, Connection
from api.requests import body_of, command, ensure_unchanged, etag, read, required
from api.routers.campaigns.examples import CAMPAIGN_RESPONSE, LIST_RESPONSE
from api.routers.campaigns.presenting import (
    Facts,
    Forecasts,
    facts_of,
    facts_of_row,
    row_of,
    show,
    show_workflow,
)
from api.routers.campaigns.schemas import CampaignIn, CampaignPatch, Status
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign
from domain.campaign.decisions import workflow_graph
from domain.campaign.handlers import draft_campaign, revise_campaign
from domain.campaign.values import CampaignType, Orchestrator
from domain.organization.business import Business
from domain.shared.meta import Meta
from projections.history.rows import campaign_as_of, metrics_as_of, workflow_as_of
from projections.queries.campaigns import get_campaign, get_workflows, list_campaigns, metrics_of

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
VIEWS = ["campaigns", "workflows", "contacts", "deliveries"]


def answer(
    tx: CommandTransaction, campaign: Campaign, meta: Meta, status: int = 200, **headers: str
) -> Answer:
    """The campaign as this transaction leaves it."""
    body = show(row_of(campaign), facts_of(tx, campaign, meta.now))
    return Answer(status, body, {"ETag": etag(campaign.version), **headers})


@router.post(
    "",
    status_code=201,
    responses={201: CAMPAIGN_RESPONSE, **refuses(404)},
    dependencies=[allow("campaigns:write")],
)
async def post(
    request: Request, body: CampaignIn, caller: Caller, services: ServicesOf
) -> Response:
    """Draft a campaign; nothing is sent before somebody approves it."""
    campaign_id, workflow_id = services.new_id(), services.new_id()

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        business = tx.load(Business, body.business_id)
        content = body.content(business.profile.timezone or "UTC")
        drafted = DraftCampaign(
            campaign_id, business.id, body.type, workflow_id, content, workflow_graph(content)
        )
        campaign = draft_campaign(tx, drafted, meta)
        return answer(tx, campaign, meta, 201, Location=f"/v1/campaigns/{campaign_id}")

    return await command(request, caller, services, decide)


@router.get("", responses={200: LIST_RESPONSE}, dependencies=[allow("campaigns:read")])
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    status: Status | None = None,
    type: CampaignType | None = None,  # noqa: A002 - the contract's name
    business_id: UUID | None = None,
    conversation_id: UUID | None = None,
    orchestrator: Orchestrator | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """The organization's campaigns. Those that are over come without count and forecast."""
    filters = {
        "status": status,
        "type": type,
        "business_id": str(business_id) if business_id else None,
        "conversation_id": str(conversation_id) if conversation_id else None,
        "orchestrator": orchestrator,
        "name": name,
    }

    def look(connection: Connection) -> dict[str, Any]:
        page = list_campaigns(connection, filters, part)
        sums = metrics_of(connection, [row["id"] for row in page.items])
        graphs = get_workflows(connection, [row["workflow_id"] for row in page.items])
        forecasts = Forecasts(connection, services.clock())
        return body_of(
            page,
            lambda row: show(
                row,
                Facts(
                    show_workflow(row["workflow_id"], graphs.get(row["workflow_id"])),
                    sums[row["id"]],
                    forecasts.of(row),
                ),
            ),
        )

    return await read(request, caller, services, VIEWS, look)


@router.get(
    "/{campaign_id}", responses={200: CAMPAIGN_RESPONSE}, dependencies=[allow("campaigns:read")]
)
async def get(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf, as_of: AsOf = None
) -> Response:
    """One campaign: content, forecast, warnings, workflow, what came of it.

    As it was, it comes without count and forecast, and its metrics are counted from the log.
    """
    if as_of is not None:
        return await _past(request, campaign_id, caller, services, as_of)

    def look(connection: Connection) -> Response:
        row = required(get_campaign(connection, str(campaign_id)), "campaign")
        body = show(row, facts_of_row(connection, row, services.clock()))
        return JSONResponse(body, headers={"ETag": etag(row["version"])})

    return await read(request, caller, services, VIEWS, look)


async def _past(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf, as_of: str
) -> Response:
    identity = str(campaign_id)

    def look(connection: Connection) -> Response:
        past = past_of(connection, caller, services, as_of)
        row = was_there(campaign_as_of(past, identity), past, identity, "campaign")
        workflow = workflow_as_of(past, row["workflow_id"])
        facts = Facts(show_workflow(row["workflow_id"], workflow), metrics_as_of(past, identity))
        return JSONResponse({**show(row, facts), "erased": row["erased"]}, headers=header_of(past))

    return await read(request, caller, services, [], look)


@router.patch(
    "/{campaign_id}", responses={200: CAMPAIGN_RESPONSE}, dependencies=[allow("campaigns:write")]
)
async def patch(
    request: Request, campaign_id: UUID, body: CampaignPatch, caller: Caller, services: ServicesOf
) -> Response:
    """Change what would be sent, to whom or when: it needs a new yes then."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        campaign = tx.load(Campaign, campaign_id)
        ensure_unchanged(request, campaign.version)
        revise_campaign(tx, campaign, body.applied_to(campaign.content), meta)
        return answer(tx, campaign, meta)

    return await command(request, caller, services, decide)

"""How a campaign is carried out: its audience, steps called from outside, n8n, a preview."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from api.auth import Caller, ServicesOf, allow
from api.document import refuses
from api.errors import Problem
from api.ports import Answer, CommandTransaction, Connection
from api.requests import command, read, required
from api.routers.campaigns.examples import AUDIENCE_RESPONSE, STEP_RESPONSE
from domain.campaign.aggregate import Campaign
from domain.campaign.content.brief import ContentError
from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import render
from domain.campaign.handlers import RunStartingError, call_step
from domain.shared.meta import Meta
from domain.workflow import n8n
from domain.workflow.graph import GraphError, from_json
from projections.queries.audience import Audience, audience_count, audience_page
from projections.queries.campaigns import get_campaign, get_workflow
from projections.queries.contacts import get_contact
from projections.queries.organizations import get_business
from projections.queries.rows import Row
from projections.queries.sending import StepCounts, intended_page, step_counts

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["campaigns"])
LONGEST_START: Final = 5.0
_POLL: Final = 0.1
_PERSONAL: Final = ("email", "first_name", "last_name", "timezone", "attributes", "tags")
# What an owner wrote is shown in a browser: nothing in it may run, call home or look like ours.
_PREVIEW_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; img-src https: data:; style-src 'unsafe-inline'"
    "; font-src https:; form-action 'none'; base-uri 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Step = Annotated[int, Query(ge=1, le=5)]


@router.post(
    "/steps/{step}/send",
    status_code=202,
    responses={202: STEP_RESPONSE},
    dependencies=[allow("campaigns:send")],
)
async def send_step(
    request: Request, campaign_id: UUID, step: int, caller: Caller, services: ServicesOf
) -> Response:
    """Begin a step of an approved campaign; each contact gets each step once, whoever calls."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        campaign = tx.load(Campaign, campaign_id)
        begins = call_step(tx, campaign, step, meta)
        counts = step_counts(tx.connection, str(campaign_id), step)
        expected = _expected(tx, campaign, step, counts, meta)
        already = counts.intended if begins or counts.expanded else expected
        return Answer(202, {"intended": max(0, expected - already), "already": already})

    deadline = time.monotonic() + LONGEST_START
    while True:
        try:
            return await command(request, caller, services, decide)
        except RunStartingError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL)


def _expected(
    tx: CommandTransaction, campaign: Campaign, step: int, counts: StepCounts, meta: Meta
) -> int:
    """How many the step goes to: later steps to those of the first, if that has begun."""
    if counts.expanded:
        return counts.intended
    if step > 1 and counts.first_step:
        return max(counts.first_step, counts.intended)
    audience = Audience(str(tx.organization_id), campaign.content.conditions, meta.now)
    return max(audience_count(tx.connection, audience), counts.intended)


@router.get("/audience", responses={200: AUDIENCE_RESPONSE}, dependencies=[allow("campaigns:read")])
async def audience(
    request: Request,
    campaign_id: UUID,
    caller: Caller,
    services: ServicesOf,
    step: Step = 1,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: UUID | None = None,
) -> dict[str, Any]:
    """Contact ids: whom a step went to once it has begun, else whom it would go to now."""
    behind = str(after) if after else None

    def look(connection: Connection) -> dict[str, Any]:
        row = _campaign(connection, campaign_id)
        counts = step_counts(connection, row["id"], step)
        begun = step if counts.intended else 1 if counts.first_step else None
        if begun is not None:
            total = counts.intended if begun == step else counts.first_step
            ids = intended_page(connection, row["id"], begun, behind, limit + 1)
        else:
            members = Audience(row["organization_id"], row["conditions"], services.clock())
            total = audience_count(connection, members)
            ids = audience_page(connection, members, behind, limit + 1)
        more = ids[limit - 1] if len(ids) > limit else None
        return {"items": ids[:limit], "limit": limit, "total": total, "next_after": more}

    return await read(request, caller, services, ["campaigns", "contacts"], look)


@router.get(
    "/preview",
    response_class=HTMLResponse,
    responses=refuses(409),
    dependencies=[allow("campaigns:read", sometimes=["contacts:read"])],
)
async def preview(
    request: Request,
    campaign_id: UUID,
    caller: Caller,
    services: ServicesOf,
    contact_id: UUID | None = None,
    step: Step = 1,
) -> Response:
    """An e-mail as one contact would see it; without a contact, as a stranger would."""
    if contact_id is not None:
        caller.ensure("contacts:read")

    def look(connection: Connection) -> str:
        row = _campaign(connection, campaign_id)
        if step > len(row["emails"]):
            raise Problem(404, "not_found", "There is no such step.")
        contact = None
        if contact_id is not None:
            contact = required(get_contact(connection, str(contact_id)), "contact")
        return _rendered(row["emails"][step - 1]["html"], contact)

    html = await read(request, caller, services, ["campaigns", "contacts"], look)
    return HTMLResponse(html, headers=_PREVIEW_HEADERS)


def _rendered(html: str, contact: Row | None) -> str:
    fields = {name: contact[name] for name in _PERSONAL} if contact else {}
    try:
        return render(compile_template(html), {**fields, "unsubscribe_url": "#unsubscribe"})
    except ContentError as error:
        raise Problem(409, error.code, str(error)) from None


@router.get("/workflow.n8n.json", responses=refuses(409), dependencies=[allow("campaigns:read")])
async def n8n_workflow(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """The workflow as a file that n8n imports as it is; no credentials inside."""

    def look(connection: Connection) -> dict[str, Any]:
        row = _campaign(connection, campaign_id)
        workflow = required(get_workflow(connection, row["workflow_id"]), "workflow")
        business = required(get_business(connection, row["business_id"]), "business")
        try:
            graph = from_json({**workflow["graph"], "version": workflow["graph_version"]})
            return n8n.render(
                graph, campaign_id, row["name"], business["name"], services.public_url,
                row["timezone"],
            )  # fmt: skip
        except GraphError as error:
            raise Problem(409, error.problems[0].code, str(error)) from None

    views = ["campaigns", "workflows", "businesses"]
    return JSONResponse(await read(request, caller, services, views, look))


def _campaign(connection: Connection, campaign_id: UUID) -> Row:
    return required(get_campaign(connection, str(campaign_id)), "campaign")

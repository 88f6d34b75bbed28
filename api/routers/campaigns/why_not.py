"""Why somebody did not get a campaign: the first reason on the way."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.as_of import AsOf, header_of, past_of, show_event, showable, was_there
from api.auth import Caller, ServicesOf, allow
from api.errors import Problem
from api.ports import Connection
from api.requests import read
from api.routers.campaigns.examples import WHY_NOT_RESPONSE
from projections.history.campaigns import CampaignPast, contact_row
from projections.history.evidence import judge_on
from projections.history.streams import LogHistories
from projections.history.why_not import SAYS, Answer, Reason, first_reason

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])


def show_reason(reason: Reason) -> dict[str, Any]:
    """The reason with its event."""
    return {
        "code": reason.code,
        "detail": SAYS[reason.code],
        "step": reason.step,
        "event": show_event(reason.event) if reason.event else None,
        "details": showable(reason.details),
    }


def show(answer: Answer) -> dict[str, Any]:
    """The answer; `got_it` when there is no reason."""
    delivery = answer.delivery
    return {
        "got_it": answer.reason is None,
        "reason": show_reason(answer.reason) if answer.reason else None,
        "delivery": {"id": delivery.id, "step": delivery.step, "state": delivery.state}
        if delivery
        else None,
    }


@router.get(
    "/{campaign_id}/why-not",
    responses={200: WHY_NOT_RESPONSE},
    dependencies=[allow("campaigns:read", "contacts:read")],
)
async def why_not(
    request: Request,
    campaign_id: UUID,
    contact_id: UUID,
    caller: Caller,
    services: ServicesOf,
    step: Annotated[int | None, Query(ge=1, le=5, description="Of this e-mail only.")] = None,
    as_of: AsOf = None,
) -> JSONResponse:
    """The first reason why a contact did not get it, with its event. Straight from the log."""
    campaign, contact = str(campaign_id), str(contact_id)

    def look(connection: Connection) -> JSONResponse:
        past = past_of(connection, caller, services, as_of)
        _ensure_there(past, campaign, contact, step)
        answer = first_reason(past, campaign, contact, judge_on(connection), step)
        same = {"campaign_id": campaign, "contact_id": contact, "as_of": past.position}
        return JSONResponse({**same, **show(answer)}, headers=header_of(past))

    return await read(request, caller, services, [], look)


def _ensure_there(past: LogHistories, campaign: str, contact: str, step: int | None) -> None:
    known = CampaignPast(past, campaign)
    was_there(known.row, past, campaign, "campaign")
    was_there(contact_row(past.stream(contact)), past, contact, "contact")
    if step is not None and step > known.steps:
        raise Problem(404, "not_found", "There is no such step.")

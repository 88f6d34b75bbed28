"""Why somebody got an e-mail: the chain of causes of a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.as_of import AsOf, header_of, past_of, show_event, showable, was_there
from api.auth import Caller, Principal, ServicesOf, allow
from api.ports import Connection, Services
from api.requests import read
from api.routers.campaigns.examples import WHY_RESPONSE
from api.routers.conversations.schemas import readable
from api.routers.conversations.speaking import known_addresses
from projections.history.evidence import judge_on
from projections.history.rows import row_of
from projections.history.why import Link, chain
from projections.postgres.views import deliveries

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])
_SHOWN = ("id", "campaign_id", "step", "contact_id", "kind", "state", "withheld_reason")


def show_link(link: Link, addresses: Mapping[str, str]) -> dict[str, Any]:
    """One cause, with addresses where references to known ones stand."""
    details = readable(showable(link.details), addresses)
    return {"link": link.name, **show_event(link.event), "details": details}


def _addresses(
    services: Services, connection: Connection, caller: Principal, links: Iterable[Link]
) -> dict[str, str]:
    """Of everybody who was mentioned, as they are known now."""
    said = [link.event for link in links if link.event.type == "TurnReceived"]
    turns = [{"conversation_id": e.stream_id, "mentions": e.data["mentions"]} for e in said]
    return known_addresses(services, connection, caller, turns)


@router.get(
    "/{delivery_id}/why",
    responses={200: WHY_RESPONSE},
    dependencies=[allow("campaigns:read", "contacts:read")],
)
async def why(
    request: Request, delivery_id: UUID, caller: Caller, services: ServicesOf, as_of: AsOf = None
) -> JSONResponse:
    """Every cause in order: sentence, intent, approval, workflow, step, audience, consent,
    hand-over, webhooks; each with the position of its event. Straight from the log."""

    def look(connection: Connection) -> JSONResponse:
        past = past_of(connection, caller, services, as_of)
        found = chain(past, str(delivery_id), judge_on(connection)) or None
        links = was_there(found, past, str(delivery_id), "delivery")
        row = row_of(deliveries.VIEW, past.stream(str(delivery_id), unsealed=False))
        shown = {name: getattr(row, name) for name in _SHOWN}
        known = _addresses(services, connection, caller, links)
        told = [show_link(link, known) for link in links]
        body = {**shown, "as_of": past.position, "chain": told}
        return JSONResponse(body, headers=header_of(past))

    return await read(request, caller, services, [], look)

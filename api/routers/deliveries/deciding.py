"""Deliveries in doubt: which they are, and what a person decides about the held ones."""

from __future__ import annotations

from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.auth import Caller, Principal, ServicesOf, allow
from api.paging import Part
from api.ports import Answer, CommandTransaction, Services
from api.requests import body_of, command, read
from api.routers.campaigns.examples import DECIDED_RESPONSE, IN_DOUBT_RESPONSE
from api.routers.campaigns.presenting import instant
from domain.delivery.decisions import Closed, Decision, Released
from domain.shared.meta import Meta
from projections.queries.deliveries import list_in_doubt
from projections.queries.rows import Row

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])
_TIMES: Final = ("claimed_at", "handed_over_at", "next_lookup_at")


def show(row: Row) -> dict[str, Any]:
    """One delivery, with its batch, which the provider is asked for."""
    same = ("id", "campaign_id", "step", "contact_id", "kind", "state", "batch_id", "attempt",
            "lookups")  # fmt: skip
    times = {name: instant(row[name]) if row[name] else None for name in _TIMES}
    return {**{name: row[name] for name in same}, **times}


@router.get("", responses={200: IN_DOUBT_RESPONSE}, dependencies=[allow("campaigns:read")])
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    state: Literal["ambiguous", "held"] | None = None,
    campaign_id: UUID | None = None,
) -> dict[str, Any]:
    """Deliveries in doubt: `ambiguous` ones are looked up by themselves, `held` ones wait."""
    filters = {"state": state, "campaign_id": str(campaign_id) if campaign_id else None}
    found = await read(
        request, caller, services, [], lambda conn: list_in_doubt(conn, filters, part)
    )
    return body_of(found, show)


@router.post(
    "/{delivery_id}/resend",
    responses={200: DECIDED_RESPONSE},
    dependencies=[allow("campaigns:send")],
)
async def resend(
    request: Request, delivery_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Send a held delivery again. If the lost mail did leave, the person gets two."""
    return await _decide(request, caller, services, delivery_id, Released())


@router.post(
    "/{delivery_id}/close",
    responses={200: DECIDED_RESPONSE},
    dependencies=[allow("campaigns:send")],
)
async def close(
    request: Request, delivery_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Do not send a held delivery any more: it is withheld as `given_up`."""
    return await _decide(request, caller, services, delivery_id, Closed())


async def _decide(
    request: Request, caller: Principal, services: Services, delivery_id: UUID, decision: Decision
) -> Response:
    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        state = services.held.decide(tx, delivery_id, decision, meta)
        return Answer(200, {"id": str(delivery_id), "state": state})

    return await command(request, caller, services, decide)

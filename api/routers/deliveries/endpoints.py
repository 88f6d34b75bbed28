"""Deliveries: those of a campaign, and one with all that happened to it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.as_of import AsOf, header_of, past_of, was_there
from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.ports import Connection
from api.requests import body_of, read, required
from api.routers.campaigns.examples import DELIVERIES_RESPONSE, DELIVERY_RESPONSE
from api.routers.campaigns.presenting import instant
from domain.delivery.states import State
from projections.history.rows import delivery_as_of
from projections.queries.campaigns import get_campaign
from projections.queries.deliveries import get_delivery, list_deliveries
from projections.queries.rows import Page, Row
from schemas.codec import Event, to_datetime

router = APIRouter(prefix="/v1", tags=["deliveries"])
VIEWS = ["deliveries"]
_HISTORY = "SELECT bytes, position FROM log.events WHERE stream_id = %s ORDER BY version"
_SAID_ALREADY = {"campaign_id", "step", "contact_id", "kind"}


def show(row: Row) -> dict[str, Any]:
    """One delivery."""
    same = ("id", "campaign_id", "step", "contact_id", "kind", "state", "withheld_reason",
            "message_id", "opened", "clicked", "opened_by_machine",
            "clicked_by_machine")  # fmt: skip
    return {
        **{name: row[name] for name in same},
        "intended_at": instant(row["intended_at"]),
        "updated_at": instant(row["updated_at"]),
    }


def show_event(event: Event) -> dict[str, Any]:
    """What happened, when, and what came with it."""
    return {
        "event": event.type,
        "at": instant(to_datetime(event.occurred_at)),
        "position": event.position,
        "details": {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in event.data.items()
            if name not in _SAID_ALREADY
        },
    }


@router.get(
    "/campaigns/{campaign_id}/deliveries",
    responses={200: DELIVERIES_RESPONSE},
    dependencies=[allow("campaigns:read")],
)
async def list_all(
    request: Request,
    campaign_id: UUID,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    state: State | None = None,
    step: Annotated[int | None, Query(ge=1, le=5)] = None,
    contact_id: UUID | None = None,
) -> dict[str, Any]:
    """Deliveries of a campaign, without test sends."""
    contact = str(contact_id) if contact_id else None
    filters = {"state": state, "step": step, "contact_id": contact}

    def look(connection: Connection) -> Page:
        required(get_campaign(connection, str(campaign_id)), "campaign")
        return list_deliveries(connection, str(campaign_id), filters, part)

    return body_of(await read(request, caller, services, ["campaigns", *VIEWS], look), show)


@router.get(
    "/deliveries/{delivery_id}",
    responses={200: DELIVERY_RESPONSE},
    dependencies=[allow("campaigns:read")],
)
async def get(
    request: Request, delivery_id: UUID, caller: Caller, services: ServicesOf, as_of: AsOf = None
) -> Response:
    """One delivery, a test send included, with its history from the event log."""
    if as_of is not None:
        return await _past(request, delivery_id, caller, services, as_of)

    def look(connection: Connection) -> tuple[Row, list[Event]]:
        row = required(get_delivery(connection, str(delivery_id)), "delivery")
        stored = connection.execute(_HISTORY, (delivery_id,)).fetchall()
        # Links, browsers and places are personal and stay sealed here.
        return row, services.decode_events(connection, stored, False)

    row, events = await read(request, caller, services, VIEWS, look)
    return JSONResponse(_with_history(row, events))


async def _past(
    request: Request, delivery_id: UUID, caller: Caller, services: ServicesOf, as_of: str
) -> Response:
    def look(connection: Connection) -> Response:
        past = past_of(connection, caller, services, as_of)
        row, events = delivery_as_of(past, str(delivery_id))
        found = was_there(row, past, str(delivery_id), "delivery")
        return JSONResponse(_with_history(found, events), headers=header_of(past))

    return await read(request, caller, services, [], look)


def _with_history(row: Row, events: list[Event]) -> dict[str, Any]:
    return {**show(row), "history": [show_event(event) for event in events]}

"""Businesses: make, read, list, change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.ports import Answer, CommandTransaction
from api.requests import body_of, command, ensure_unchanged, etag, read, required
from api.routers.businesses.schemas import BusinessIn, BusinessPatch, show_profile, show_row
from domain.organization.business import Business
from domain.shared.meta import Meta
from projections.queries.organizations import get_business, list_businesses

router = APIRouter(prefix="/v1/businesses", tags=["businesses"])
VIEWS = ["businesses"]


def show(business: Business) -> dict[str, Any]:
    """A business straight from its history."""
    moments = {"created_at": business.created_on, "updated_at": business.modified_on}
    return {
        "id": str(business.id),
        **show_profile(business.profile),
        **{name: at.isoformat().replace("+00:00", "Z") for name, at in moments.items()},
    }


@router.post("", status_code=201, dependencies=[allow("businesses:write")])
async def post(
    request: Request, body: BusinessIn, caller: Caller, services: ServicesOf
) -> Response:
    """Add a business."""
    business_id = services.new_id()

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        business = Business.add(business_id, body.profile(), meta)
        tx.save(business)
        location = {"Location": f"/v1/businesses/{business_id}", "ETag": etag(business.version)}
        return Answer(201, show(business), location)

    return await command(request, caller, services, decide)


@router.get("", dependencies=[allow("businesses:read")])
async def list_all(
    request: Request, caller: Caller, services: ServicesOf, part: Part, name: str | None = None
) -> dict[str, Any]:
    """The organization's businesses."""
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_businesses(connection, {"name": name}, part),
    )  # fmt: skip
    return body_of(page, show_row)


@router.get("/{business_id}", dependencies=[allow("businesses:read")])
async def get(
    request: Request, business_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """One business."""
    row = await read(
        request, caller, services, VIEWS,
        lambda connection: get_business(connection, str(business_id)),
    )  # fmt: skip
    found = required(row, "business")
    return JSONResponse(show_row(found), headers={"ETag": etag(found["version"])})


@router.patch("/{business_id}", dependencies=[allow("businesses:write")])
async def patch(
    request: Request,
    business_id: UUID,
    body: BusinessPatch,
    caller: Caller,
    services: ServicesOf,
) -> Response:
    """Describe it differently."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        business = tx.load(Business, business_id)
        ensure_unchanged(request, business.version)
        business.revise(body.applied_to(business.profile), meta)
        tx.save(business)
        return Answer(200, show(business), {"ETag": etag(business.version)})

    return await command(request, caller, services, decide)

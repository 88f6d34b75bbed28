"""The caller's organization."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, ServicesOf, allow
from api.document import refuses
from api.ports import Answer, CommandTransaction
from api.requests import command, ensure_unchanged, etag, read, required
from domain.organization.aggregate import Organization
from domain.shared.meta import Meta
from projections.queries.organizations import get_organization
from projections.queries.rows import Row

router = APIRouter(prefix="/v1/organization", tags=["organization"])


class OrganizationPatch(BaseModel):
    """What may change."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Rosa's Bakery"}]}
    )
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")


def show(row: Row) -> dict[str, Any]:
    """An organization as the API shows it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "created_at": row["created_at"].isoformat().replace("+00:00", "Z"),
    }


@router.get("", responses=refuses(404), dependencies=[allow("organization:read")])
async def get(request: Request, caller: Caller, services: ServicesOf) -> Response:
    """The organization of the key."""
    row = await read(
        request, caller, services, ["organizations"],
        lambda connection: get_organization(connection, str(caller.organization_id)),
    )  # fmt: skip
    found = required(row, "organization")
    return JSONResponse(show(found), headers={"ETag": etag(found["version"])})


@router.patch("", responses=refuses(404), dependencies=[allow("organization:write")])
async def patch(
    request: Request, body: OrganizationPatch, caller: Caller, services: ServicesOf
) -> Response:
    """Rename it."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        organization = tx.load(Organization, caller.organization_id)
        ensure_unchanged(request, organization.described_version)
        organization.rename(body.name, meta)
        tx.save(organization)
        return Answer(
            200,
            {
                "id": str(organization.id),
                "name": organization.name,
                "created_at": organization.created_on.isoformat().replace("+00:00", "Z"),
            },
            {"ETag": etag(organization.described_version)},
        )

    return await command(request, caller, services, decide)

"""The caller's organization."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, ServicesOf, allow
from api.ports import Answer, CommandTransaction, Connection
from api.requests import command, ensure_unchanged, etag, read, required
from domain.organization.aggregate import Organization
from domain.organization.quotas import month_of
from domain.shared.meta import Meta
from projections.queries.organizations import get_organization, get_usage
from projections.queries.rows import Row

router = APIRouter(prefix="/v1/organization", tags=["organization"])


class OrganizationPatch(BaseModel):
    """What may change."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")


def show(row: Row, usage: dict[str, Any]) -> dict[str, Any]:
    """An organization as the API shows it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "created_at": row["created_at"].isoformat().replace("+00:00", "Z"),
        "quota": usage,
    }


def usage_of(connection: Connection, organization_id: str, now: datetime) -> dict[str, Any]:
    """What an operator allows (null: any number) and what is used."""
    month = month_of(now)
    row = get_usage(connection, organization_id, month)
    return {
        "contacts": {"limit": row["contacts_limit"], "used": row["contacts_used"]},
        "sends": {
            "limit": row["sends_limit"], "used": row["sends_used"], "month": f"{month:%Y-%m}",
        },
    }  # fmt: skip


@router.get("", dependencies=[allow("organization:read")])
async def get(request: Request, caller: Caller, services: ServicesOf) -> Response:
    """The organization of the key."""
    identity = str(caller.organization_id)

    def look(connection: Connection) -> tuple[Row | None, dict[str, Any]]:
        row = get_organization(connection, identity)
        return row, usage_of(connection, identity, services.clock())

    row, usage = await read(request, caller, services, ["organizations"], look)
    found = required(row, "organization")
    return JSONResponse(show(found, usage), headers={"ETag": etag(found["version"])})


@router.patch("", dependencies=[allow("organization:write")])
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
                "quota": usage_of(tx.connection, str(organization.id), meta.now),
            },
            {"ETag": etag(organization.described_version)},
        )

    return await command(request, caller, services, decide)

"""The caller's organization."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.auth import Caller, ServicesOf, allow
from api.document import refuses
from api.ports import Answer, CommandTransaction, Connection
from api.requests import command, ensure_unchanged, etag, read, required
from domain.organization.aggregate import RECIPIENTS_MAX, Organization
from domain.organization.quotas import month_of
from domain.shared.meta import Meta
from projections.queries.organizations import get_organization, get_usage
from projections.queries.rows import Row

router = APIRouter(prefix="/v1/organization", tags=["organization"])


class OrganizationPatch(BaseModel):
    """What may change; what is left out stays.

    A campaign to more people than `second_approver_above` needs a second person's yes; null: none
    does.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Rosa's Bakery", "second_approver_above": 1000}]},
    )
    name: str = Field(default_factory=str, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
    second_approver_above: int | None = Field(None, ge=0, le=RECIPIENTS_MAX, strict=True)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Name at least one field.")
        return self


def show(row: Row, usage: dict[str, Any]) -> dict[str, Any]:
    """An organization as the API shows it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "second_approver_above": row["second_approver_above"],
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


@router.get("", responses=refuses(404), dependencies=[allow("organization:read")])
async def get(request: Request, caller: Caller, services: ServicesOf) -> Response:
    """The organization of the key."""
    identity = str(caller.organization_id)

    def look(connection: Connection) -> tuple[Row | None, dict[str, Any]]:
        row = get_organization(connection, identity)
        return row, usage_of(connection, identity, services.clock())

    row, usage = await read(request, caller, services, ["organizations"], look)
    found = required(row, "organization")
    return JSONResponse(show(found, usage), headers={"ETag": etag(found["version"])})


@router.patch("", responses=refuses(404), dependencies=[allow("organization:write")])
async def patch(
    request: Request, body: OrganizationPatch, caller: Caller, services: ServicesOf
) -> Response:
    """Rename it, or say above how many recipients a campaign needs a second approver."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        organization = tx.load(Organization, caller.organization_id)
        ensure_unchanged(request, organization.described_version)
        if "name" in body.model_fields_set:
            organization.rename(body.name, meta)
        if "second_approver_above" in body.model_fields_set:
            organization.set_approval_rule(body.second_approver_above, meta)
        tx.save(organization)
        row = {
            "id": str(organization.id),
            "name": organization.name,
            "second_approver_above": organization.second_approver_above,
            "created_at": organization.created_on,
        }
        usage = usage_of(tx.connection, str(organization.id), meta.now)
        return Answer(200, show(row, usage), {"ETag": etag(organization.described_version)})

    return await command(request, caller, services, decide)

"""Analyst logins: make, read, list, revoke."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.ports import Answer, CommandTransaction
from api.requests import body_of, command, etag, read, required
from api.routers.analysts.schemas import (
    ANALYST_RESPONSE,
    CREATED_RESPONSE,
    LIST_RESPONSE,
    AnalystIn,
    show,
    show_row,
)
from domain.organization.analyst import Analyst
from domain.shared.meta import Meta
from projections.queries.analysts import get_analyst, list_analysts

router = APIRouter(prefix="/v1/analysts", tags=["analytics"])
VIEWS = ["analysts"]


@router.post(
    "", status_code=201, responses={201: CREATED_RESPONSE}, dependencies=[allow("analytics:export")]
)
async def post(request: Request, body: AnalystIn, caller: Caller, services: ServicesOf) -> Response:
    """Make a login for ClickHouse. Its password is answered this once."""
    analyst_id, password = services.new_id(), f"na_{secrets.token_urlsafe(32)}"

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        analyst = Analyst.create(analyst_id, body.name, meta)
        tx.connection.execute(
            "INSERT INTO state.analyst_secrets (analyst_id, organization_id, secret_hash)"
            " VALUES (%s, %s, %s)",
            (analyst_id, meta.organization_id, hashlib.sha256(password.encode()).digest()),
        )
        tx.save(analyst)
        return Answer(
            201,
            {**show(analyst, meta.actor), "password": password},
            {"Location": f"/v1/analysts/{analyst_id}", "ETag": etag(analyst.version)},
            secret=True,
        )

    return await command(request, caller, services, decide)


@router.get("", responses={200: LIST_RESPONSE}, dependencies=[allow("analytics:export")])
async def list_all(
    request: Request, caller: Caller, services: ServicesOf, part: Part, name: str | None = None
) -> dict[str, Any]:
    """The organization's logins, the revoked ones too."""
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_analysts(connection, {"name": name}, part),
    )  # fmt: skip
    return body_of(page, show_row)


@router.get(
    "/{analyst_id}", responses={200: ANALYST_RESPONSE}, dependencies=[allow("analytics:export")]
)
async def get(request: Request, analyst_id: UUID, caller: Caller, services: ServicesOf) -> Response:
    """One login, without its password."""
    row = await read(
        request, caller, services, VIEWS,
        lambda connection: get_analyst(connection, str(analyst_id)),
    )  # fmt: skip
    found = required(row, "analyst")
    return JSONResponse(show_row(found), headers={"ETag": etag(found["version"])})


@router.delete("/{analyst_id}", status_code=204, dependencies=[allow("analytics:export")])
async def delete(
    request: Request, analyst_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Revoke it: within a second it is admitted no longer. Once more changes nothing."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        analyst = tx.load(Analyst, analyst_id)
        analyst.revoke(meta)
        tx.connection.execute(
            "DELETE FROM state.analyst_secrets WHERE analyst_id = %s", (analyst_id,)
        )
        tx.save(analyst)
        return Answer(204, None)

    return await command(request, caller, services, decide)

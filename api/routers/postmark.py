"""The organization's own Postmark server."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.auth import Caller, ServicesOf, allow
from api.document import refuses
from api.ports import Answer, CommandTransaction
from api.requests import command, read, required
from domain.organization.aggregate import Organization
from domain.organization.commands import ConnectPostmark
from domain.shared.meta import Meta
from projections.queries.organizations import get_postmark_connection

router = APIRouter(prefix="/v1/organization/postmark", tags=["organization"])
Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{8,200}$")]
StreamId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")]


class PostmarkIn(BaseModel):
    """A server token and the streams to send through."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"server_token": "5f3f9a52-1f0f-4a5e-8f0a-1b2c3d4e5f60"}]},
    )
    server_token: Token
    broadcast_stream: StreamId = "broadcast"
    transactional_stream: StreamId = "outbound"


@router.put("", status_code=202, dependencies=[allow("integrations:write")])
async def put(request: Request, body: PostmarkIn, caller: Caller, services: ServicesOf) -> Response:
    """Send through this server from now on; its webhooks are registered in the background."""
    password = secrets.token_urlsafe(32)
    connect = ConnectPostmark(
        server_token=body.server_token,
        webhook_username=f"nudge-{secrets.token_hex(8)}",
        webhook_password=password,
        webhook_password_hash=hashlib.sha256(password.encode()).digest(),
        broadcast_stream=body.broadcast_stream,
        transactional_stream=body.transactional_stream,
    )

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        organization = tx.load(Organization, caller.organization_id)
        organization.connect_postmark(connect, meta)
        tx.save(organization)
        return Answer(202, {"status": "registering"})

    return await command(request, caller, services, decide)


@router.get("", responses=refuses(404), dependencies=[allow("integrations:read")])
async def get(request: Request, caller: Caller, services: ServicesOf) -> dict[str, Any]:
    """How the organization sends; never the token."""
    row = await read(
        request, caller, services, ["postmark_connections"],
        lambda connection: get_postmark_connection(connection, str(caller.organization_id)),
    )  # fmt: skip
    found = required(row, "Postmark connection")
    streams = [found["broadcast_stream"], found["transactional_stream"]]
    registered = all(stream in found["handling"] for stream in streams)
    return {
        "broadcast_stream": found["broadcast_stream"],
        "transactional_stream": found["transactional_stream"],
        "webhook_username": found["webhook_username"],
        "unsubscribe_handling": found["handling"],
        "status": "failed" if found["failure"] else "ready" if registered else "registering",
        "failure": found["failure"],
    }

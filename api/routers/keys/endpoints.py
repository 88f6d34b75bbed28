"""API keys: make one, list them, rotate with an overlap, revoke."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.auth import Caller, Principal, ServicesOf, allow
from api.errors import Problem
from api.paging import Part
from api.ports import Answer, CommandTransaction
from api.requests import body_of, command, read, required
from api.routers.keys.book import put_in_force
from api.routers.keys.examples import (
    KEY_RESPONSES,
    LIST_RESPONSES,
    MADE_RESPONSES,
    REVOKED_RESPONSES,
    ROTATED_RESPONSES,
)
from api.routers.keys.schemas import KeyIn, RotationIn, show
from domain.organization.aggregate import Organization
from domain.organization.commands import IssueApiKey, ReplaceApiKey
from domain.organization.keys import beyond
from domain.shared.meta import Meta
from projections.queries.organizations import get_api_key, list_api_keys

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"])
VIEWS = ["api_keys"]
SHOWN = 10
"""Characters of a secret that are kept and shown, so that a key can be told from others."""


def new_secret() -> tuple[str, bytes]:
    """A secret of 256 bits, and the hash that is kept of it."""
    secret = f"nk_{secrets.token_urlsafe(32)}"
    return secret, hashlib.sha256(secret.encode()).digest()


@router.post("", status_code=201, responses=MADE_RESPONSES, dependencies=[allow("keys:write")])
async def post(request: Request, body: KeyIn, caller: Caller, services: ServicesOf) -> Response:
    """Make a key. Its secret is answered here and never again."""
    scopes = body.checked_scopes()
    ensure_holds(caller, scopes)
    secret, hashed = new_secret()
    key_id = services.new_id()
    issue = IssueApiKey(key_id, hashed, secret[:SHOWN], scopes, body.name, body.expires_at)

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        organization = tx.load(Organization, caller.organization_id)
        organization.issue_api_key(issue, meta)
        return _answered(tx, organization, key_id, secret, meta)

    return await command(request, caller, services, decide)


@router.get("", responses=LIST_RESPONSES, dependencies=[allow("keys:read")])
async def list_all(
    request: Request, caller: Caller, services: ServicesOf, part: Part, prefix: str | None = None
) -> dict[str, Any]:
    """The organization's keys, those that are over included."""
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_api_keys(connection, {"prefix": prefix}, part),
    )  # fmt: skip
    now = services.clock()
    return body_of(page, lambda row: show(row, now))


@router.get("/{key_id}", responses=KEY_RESPONSES, dependencies=[allow("keys:read")])
async def get(
    request: Request, key_id: UUID, caller: Caller, services: ServicesOf
) -> dict[str, Any]:
    """One key."""
    row = await read(
        request, caller, services, VIEWS, lambda connection: get_api_key(connection, str(key_id))
    )
    return show(required(row, "API key"), services.clock())


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    responses=ROTATED_RESPONSES,
    dependencies=[allow("keys:write")],
)
async def rotate(
    request: Request, key_id: UUID, body: RotationIn, caller: Caller, services: ServicesOf
) -> Response:
    """Make a successor with the same name and scopes; both are accepted during the overlap."""
    secret, hashed = new_secret()
    successor = services.new_id()
    replace = ReplaceApiKey(
        key_id, successor, hashed, secret[:SHOWN], body.overlap, body.expires_at
    )

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        organization = tx.load(Organization, caller.organization_id)
        ensure_holds(caller, organization.api_key(key_id).scopes)
        organization.replace_api_key(replace, meta)
        put_in_force(tx, organization, key_id, meta)
        return _answered(tx, organization, successor, secret, meta)

    return await command(request, caller, services, decide)


@router.delete(
    "/{key_id}",
    status_code=204,
    responses=REVOKED_RESPONSES,
    dependencies=[allow("keys:write")],
)
async def delete(request: Request, key_id: UUID, caller: Caller, services: ServicesOf) -> Response:
    """Accept the key no longer, on every replica within a second."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        organization = tx.load(Organization, caller.organization_id)
        organization.revoke_api_key(key_id, meta)
        put_in_force(tx, organization, key_id, meta)
        tx.save(organization)
        return Answer(204, None)

    return await command(request, caller, services, decide)


def ensure_holds(caller: Principal, scopes: Collection[str]) -> None:
    """Raise Problem (403) unless the caller may do everything that these scopes allow.

    Of a successor too: its secret goes to whoever rotates.
    """
    if more := beyond(scopes, caller.permissions):
        raise Problem(
            403,
            "scope_exceeds_yours",
            f"A key cannot do what you may not: {', '.join(more)}.",
            errors=[{"field": "scopes", "code": "missing_permission", "detail": m} for m in more],
        )


def _answered(
    tx: CommandTransaction, organization: Organization, key_id: UUID, secret: str, meta: Meta
) -> Answer:
    """The new key in force, and its secret, this once."""
    put_in_force(tx, organization, key_id, meta)
    tx.save(organization)
    key = organization.api_key(key_id)
    body = {
        "id": str(key_id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "created_at": _text(meta.now),
        "expires_at": None if key.ends_at is None else _text(key.ends_at),
        "secret": secret,
    }
    location = {"Location": f"/v1/api-keys/{key_id}", "Cache-Control": "no-store"}
    return Answer(201, body, location, secret=True)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

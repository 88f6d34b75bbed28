"""Users: list, read, give another role, remove."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.ports import Answer, CommandTransaction
from api.requests import body_of, command, ensure_unchanged, etag, read, required
from api.routers.people.examples import REMOVED_RESPONSE, USER_RESPONSE, USERS_RESPONSE
from api.routers.people.schemas import UserPatch, instant, show_remaining, show_user
from domain.access.permissions import Role
from domain.people.user import User
from domain.shared.meta import Meta
from projections.queries.people import get_user, list_users

router = APIRouter(prefix="/v1/users", tags=["people"])
VIEWS = ["users"]


def show(user: User) -> dict[str, Any]:
    """A user straight from its history."""
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "created_at": instant(user.created_on),
        "updated_at": instant(user.modified_on),
    }


@router.get("", dependencies=[allow("users:read")], responses={200: USERS_RESPONSE})
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    role: Role | None = None,
    email: str | None = None,
) -> dict[str, Any]:
    """Who works here."""
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_users(connection, {"role": role, "email": email}, part),
    )  # fmt: skip
    return body_of(page, show_user)


@router.get(
    "/{user_id}",
    dependencies=[allow("account:own", sometimes=["users:read"])],
    responses={200: USER_RESPONSE},
)
async def get(request: Request, user_id: UUID, caller: Caller, services: ServicesOf) -> Response:
    """One user: oneself, or with users:read anybody here."""
    if user_id != caller.user_id:
        caller.ensure("users:read")
    row = await read(
        request, caller, services, VIEWS, lambda connection: get_user(connection, str(user_id))
    )
    found = required(row, "user")
    return JSONResponse(show_user(found), headers={"ETag": etag(found["version"])})


@router.patch("/{user_id}", dependencies=[allow("users:write")], responses={200: USER_RESPONSE})
async def patch(
    request: Request, user_id: UUID, body: UserPatch, caller: Caller, services: ServicesOf
) -> Response:
    """Give somebody another role, none that allows more than the caller may do."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        user = services.people.staff.change_role(
            tx, user_id, body.role, caller.permissions, meta,
            lambda version: ensure_unchanged(request, version),
        )  # fmt: skip
        return Answer(200, show(user), {"ETag": etag(user.version)})

    return await command(request, caller, services, decide)


@router.delete(
    "/{user_id}",
    status_code=204,
    dependencies=[allow("users:delete")],
    responses={200: REMOVED_RESPONSE},
)
async def delete(request: Request, user_id: UUID, caller: Caller, services: ServicesOf) -> Response:
    """Remove somebody: sessions end, open invitations of theirs are revoked, and the key of the
    address and name is destroyed.

    API keys and logins for ClickHouse are the organization's: those they made and that are still in
    use are named in a 200.
    """

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        remaining = services.people.staff.remove(tx, user_id, caller.permissions, meta)
        warnings = show_remaining(remaining)
        return Answer(200, {"warnings": warnings}) if warnings else Answer(204, None)

    return await command(request, caller, services, decide)

"""Sessions: who is logged in where, and an end to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, Principal, ServicesOf, allow
from api.ports import Answer, CommandTransaction
from api.requests import command
from api.routers.people.examples import SESSIONS_RESPONSE
from api.routers.people.schemas import show_session
from domain.shared.meta import Meta

router = APIRouter(prefix="/v1/sessions", tags=["people"])


@router.get(
    "",
    dependencies=[allow("account:own", sometimes=["users:read"])],
    responses={200: SESSIONS_RESPONSE},
)
async def list_all(
    caller: Caller, services: ServicesOf, user_id: UUID | None = None
) -> dict[str, Any]:
    """Sessions that go on: one's own; with `user_id` somebody else's; of a key, everybody's."""
    whose = user_id or caller.user_id
    if whose is None or whose != caller.user_id:
        caller.ensure("users:read")

    def look() -> list[dict[str, Any]]:
        with services.reads.of(str(caller.organization_id)) as connection:
            return services.people.staff.sessions(connection, whose, services.clock())

    found = await run_in_threadpool(look)
    return {"items": [show_session(row, caller.session_id) for row in found]}


@router.delete(
    "/{session_id}",
    status_code=204,
    dependencies=[allow("account:own", sometimes=["users:write"])],
)
async def delete(
    request: Request, session_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """End a session: within a second none of its tokens is believed. Others' need users:write."""

    only_of = _only_of(caller)

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        services.people.staff.end_session(tx, session_id, only_of, meta)
        return Answer(204, None)

    return await command(request, caller, services, decide)


def _only_of(caller: Principal) -> UUID | None:
    """Whose sessions alone the caller may end; None: anybody's."""
    if caller.user_id is None:
        caller.ensure("users:write")
    return None if "users:write" in caller.permissions else caller.user_id

"""One's own account: another password for somebody who is logged in."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.auth import Caller, Principal, ServicesOf, allow
from api.errors import Problem
from api.ports import Answer, CommandTransaction
from api.requests import command
from api.routers.people.entering import VisitOf, at_the_door
from api.routers.people.schemas import PasswordIn
from domain.shared.meta import Meta

router = APIRouter(prefix="/v1/account", tags=["people"])


@router.put("/password", status_code=204, dependencies=[allow("account:own")])
async def change_password(
    request: Request, body: PasswordIn, caller: Caller, services: ServicesOf, visit: VisitOf
) -> Response:
    """Have another password, giving the current one; one's other sessions end, this one goes on."""
    user_id, session_id = _person(caller)
    change = await at_the_door(
        services, services.people.entrance.check_password,
        caller.organization_id, user_id, body.current_password, body.password, visit,
    )  # fmt: skip

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        services.people.staff.change_password(tx, user_id, session_id, change, meta)
        return Answer(204, None)

    return await command(request, caller, services, decide)


def _person(caller: Principal) -> tuple[UUID, UUID]:
    """The user and session of a caller. Raises Problem (409) for a key."""
    if caller.user_id is None or caller.session_id is None:
        raise Problem(409, "no_password", "An API key has no password; log in to change yours.")
    return caller.user_id, caller.session_id

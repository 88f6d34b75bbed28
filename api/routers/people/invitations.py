"""Invitations: create, list, take back, accept."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.ports import Answer, CommandTransaction
from api.requests import body_of, command, read
from api.routers.people.entering import VisitOf, admitted, at_the_door, from_our_own_pages
from api.routers.people.examples import (
    INVITATION_RESPONSE,
    INVITATIONS_RESPONSE,
    REFUSALS,
    TOKENS_RESPONSE,
)
from api.routers.people.schemas import AcceptIn, InvitationIn, instant, show_invitation
from domain.contact.values import EmailAddress
from domain.people.invitation import Invitation
from domain.people.values import person_name
from domain.shared.meta import Meta
from projections.queries.people import list_invitations

router = APIRouter(prefix="/v1/invitations", tags=["people"])
VIEWS = ["invitations"]


def show(invitation: Invitation, meta: Meta) -> dict[str, Any]:
    """A new invitation; never its token."""
    return {
        "id": str(invitation.id),
        "email": invitation.email,
        "role": invitation.role,
        "status": invitation.status,
        "invited_by": meta.actor,
        "expires_at": instant(invitation.expires_at),
        "created_at": instant(invitation.created_on),
    }


@router.post(
    "", status_code=201, dependencies=[allow("users:invite")], responses={201: INVITATION_RESPONSE}
)
async def post(
    request: Request, body: InvitationIn, caller: Caller, services: ServicesOf
) -> Response:
    """Invite somebody; the link is mailed, and good for seven days and one use."""
    address = EmailAddress.parse(body.email)

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        invitation = services.people.staff.invite(tx, address, body.role, caller.permissions, meta)
        return Answer(201, show(invitation, meta))

    return await command(request, caller, services, decide)


@router.get("", dependencies=[allow("users:read")], responses={200: INVITATIONS_RESPONSE})
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    status: Literal["open", "accepted", "revoked"] | None = None,
) -> dict[str, Any]:
    """Invitations, and what became of them."""
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_invitations(connection, {"status": status}, part),
    )  # fmt: skip
    now = services.clock()
    return body_of(page, lambda row: show_invitation(row, now))


@router.delete("/{invitation_id}", status_code=204, dependencies=[allow("users:invite")])
async def delete(
    request: Request, invitation_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Take it back; the address is forgotten."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        services.people.staff.revoke_invitation(tx, invitation_id, meta)
        return Answer(204, None)

    return await command(request, caller, services, decide)


@router.post(
    "/accept",
    dependencies=[Depends(from_our_own_pages)],
    responses={**REFUSALS, 200: TOKENS_RESPONSE},
)
async def accept(body: AcceptIn, services: ServicesOf, visit: VisitOf) -> Response:
    """Become a user with the link of an invitation, and begin a session."""
    name = person_name(body.name)
    return admitted(
        await at_the_door(
            services, services.people.entrance.accept, body.token, name, body.password, visit
        )
    )

"""`/v1/ws`: who is calling, which conversation, and then the session."""

from __future__ import annotations

import functools
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, WebSocket
from starlette.concurrency import run_in_threadpool

from api.auth import Callers, Principal, told_in_logs
from api.errors import AWAY, Problem
from api.gateway import frames
from api.gateway.limits import Admission, Seats
from api.gateway.refusing import note_refusal
from api.gateway.session import Session
from api.limiting import Limiter, address_of
from api.ports import Answer, CommandTransaction, Services
from api.routers.conversations.endpoints import default_business
from domain.access.permissions import Permission
from domain.conversation.aggregate import Conversation
from domain.shared.errors import DomainError
from domain.shared.meta import Meta

router = APIRouter()
_SUBPROTOCOL = "bearer."
TO_JOIN: Final[Permission] = "conversations:read"
TO_BEGIN: Final[Permission] = "conversations:write"


@router.websocket("/v1/ws")
async def talk(socket: WebSocket, conversation_id: Annotated[str | None, Query()] = None) -> None:
    """A conversation; `conversation_id` resumes one."""
    services: Services = socket.app.state.services
    token, subprotocol = credentials(socket)
    callers: Callers = socket.app.state.callers
    limiter: Limiter = socket.app.state.limiter
    principal: Principal | None = None
    try:
        limiter.take_address(address_of(socket.scope))
        principal = await run_in_threadpool(known, callers, token)
        if principal is not None:
            limiter.take_caller(principal.organization_id, principal.key_id, principal.user_id)
    except Problem as error:
        await note_refusal(socket, principal, error)
        await socket.accept(subprotocol)
        await socket.close(1013, "Too many requests")
        return
    except AWAY:
        await socket.accept(subprotocol)
        await socket.close(1013, "The store is away")
        return
    await socket.accept(subprotocol)
    if principal is None:
        await socket.app.state.refusals.note(socket, 401, "unauthenticated")
        await socket.close(1008, "Authentication required")
        return
    told_in_logs(principal)
    seats: Seats = socket.app.state.seats
    with seats.taken() as seated:
        if not seated:
            await socket.close(1013, "Too many connections")
            return
        try:
            found = await run_in_threadpool(join, services, principal, conversation_id)
        except (DomainError, Problem) as error:
            await note_refusal(socket, principal, error)
            await socket.send_json(frames.failure(error))
            refused = isinstance(error, Problem) and error.status == 403
            await socket.close(1008, "Not allowed" if refused else "No such conversation")
            return
        except AWAY:
            await socket.close(1013, "The store is away")
            return
        admission = Admission(functools.partial(known, callers, token), socket.app.state.changes)
        await Session(socket, services, principal, services.new_id(), found, admission).run()


def credentials(socket: WebSocket) -> tuple[str, str | None]:
    """The bearer token, from the header or from the subprotocol, which then has to be accepted."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip(), None
    for offered in socket.scope.get("subprotocols") or []:
        if offered.startswith(_SUBPROTOCOL):
            return offered.removeprefix(_SUBPROTOCOL), offered
    return "", None


def known(callers: Callers, token: str) -> Principal | None:
    """Whose token it is; None for one that is not in use."""
    return callers.find(token) if token else None


def join(services: Services, principal: Principal, conversation_id: str | None) -> UUID:
    """The conversation to go on with, or a new one. Raises DomainError, Problem."""
    principal.ensure(TO_JOIN, *([] if conversation_id else [TO_BEGIN]))
    correlation = services.new_id()
    meta = Meta(
        principal.organization_id, principal.actor, correlation, correlation, services.clock()
    )
    fresh = services.new_id()

    def decide(tx: CommandTransaction) -> Answer:
        if conversation_id is not None:
            return Answer(200, tx.load(Conversation, _uuid(conversation_id)).id)
        tx.save(Conversation.start(fresh, default_business(tx), "websocket", meta))
        return Answer(201, fresh)

    answer, _ = services.commands.run_once(principal.organization_id, None, b"", decide)
    joined: UUID = answer.body
    return joined


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(404, "not_found", "There is no such conversation.") from None

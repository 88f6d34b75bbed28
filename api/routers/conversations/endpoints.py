"""Conversations: begin one, say something and hear the answer, read what was said."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.as_of import AsOf, header_of, past_of, was_there
from api.auth import Caller, Principal, ServicesOf, allow
from api.document import refuses
from api.errors import Problem
from api.paging import Part
from api.ports import Answer, CommandTransaction, Connection, Services
from api.requests import (
    body_of,
    command,
    idempotency_key,
    meta_of,
    read,
    request_hash,
    required,
    response_of,
)
from api.routers.conversations.examples import ANSWER_RESPONSE, PENDING_RESPONSE
from api.routers.conversations.schemas import (
    ConversationIn,
    MessageIn,
    positions_of_turn,
    show_answer,
    show_conversation,
    show_turn,
)
from api.routers.conversations.speaking import answered, known_addresses, receive, turn_of
from domain.conversation.aggregate import Conversation
from domain.organization.business import Business
from domain.shared.meta import Meta
from projections.history.rows import conversation_as_of
from projections.queries.conversations import get_conversation, get_turn, list_conversations
from projections.queries.organizations import first_business
from projections.queries.rows import Row
from schemas.positions import write_token

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])
VIEWS = ["conversations", "turns"]
DEFAULT_WAIT, LONGEST_WAIT = 10, 30
_WAIT = re.compile(r"\bwait=(\d{1,4})\b")


@router.post(
    "", status_code=201, responses=refuses(404), dependencies=[allow("conversations:write")]
)
async def post(
    request: Request, caller: Caller, services: ServicesOf, body: ConversationIn | None = None
) -> Response:
    """Begin a conversation about a business."""
    wanted = body or ConversationIn()
    conversation_id = services.new_id()

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        business_id = wanted.business_id or default_business(tx)
        business = tx.load(Business, business_id)
        conversation = Conversation.start(conversation_id, business.id, wanted.channel, meta)
        tx.save(conversation)
        shown = {
            "id": str(conversation_id),
            "business_id": str(business.id),
            "started_at": meta.now.isoformat().replace("+00:00", "Z"),
        }
        return Answer(201, shown, {"Location": f"/v1/conversations/{conversation_id}"})

    return await command(request, caller, services, decide)


def default_business(tx: CommandTransaction) -> UUID:
    """The organization's first business. Raises Problem when it has none."""
    row = first_business(tx.connection, str(tx.organization_id))
    if row is None:
        raise Problem(409, "no_business", "Add a business first: POST /v1/businesses.")
    return UUID(row["id"])


@router.post(
    "/{conversation_id}/messages",
    responses={200: ANSWER_RESPONSE, 202: PENDING_RESPONSE},
    dependencies=[allow("conversations:write")],
)
async def say(
    request: Request,
    conversation_id: UUID,
    body: MessageIn,
    caller: Caller,
    services: ServicesOf,
) -> Response:
    """Say something; `Prefer: wait=N` says how many seconds to wait for the answer (0 to 30)."""
    seconds = waiting_time(request)
    key, meta = idempotency_key(request), meta_of(request, caller, services)
    hashed = await request_hash(request) if key else b""
    with services.news.watch(str(conversation_id)) as bell:
        taken, replayed = await run_in_threadpool(
            services.commands.run_once, caller.organization_id, key, hashed,
            lambda tx: receive(tx, services, conversation_id, body.text, caller, meta),
        )  # fmt: skip
        found = await answered(
            services, bell, caller, str(conversation_id),
            taken.body["turn_id"], seconds,
        )  # fmt: skip
    if found is None:
        return response_of(taken, replayed=replayed)
    row, addresses = found
    token = write_token(positions_of_turn(row))
    done = Answer(200, show_answer(row, addresses), {"Nudge-Position": token})
    return response_of(done, replayed=replayed)


def waiting_time(request: Request) -> int:
    """Seconds that the caller prefers to wait; at most half a minute."""
    said = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(said[1]), LONGEST_WAIT) if said else DEFAULT_WAIT


@router.get("", dependencies=[allow("conversations:read")])
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    business_id: UUID | None = None,
) -> dict[str, Any]:
    """The organization's conversations, newest first."""
    filters = {"business_id": str(business_id) if business_id else None}
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_conversations(connection, filters, part),
    )  # fmt: skip
    return body_of(page, show_conversation)


@router.get("/{conversation_id}", dependencies=[allow("conversations:read")])
async def get(
    request: Request,
    conversation_id: UUID,
    caller: Caller,
    services: ServicesOf,
    as_of: AsOf = None,
) -> Response:
    """A conversation: its turns in order, both sides; addresses as they are known now."""
    if as_of is not None:
        return await _past(request, conversation_id, caller, services, as_of)

    def look(connection: Connection) -> Response:
        row = required(get_conversation(connection, str(conversation_id)), "conversation")
        return JSONResponse(_with_turns(services, connection, caller, row))

    return await read(request, caller, services, [*VIEWS, "contacts"], look)


async def _past(
    request: Request, conversation_id: UUID, caller: Caller, services: ServicesOf, as_of: str
) -> Response:
    identity = str(conversation_id)

    def look(connection: Connection) -> Response:
        past = past_of(connection, caller, services, as_of)
        row = was_there(conversation_as_of(past, identity), past, identity, "conversation")
        body = {**_with_turns(services, connection, caller, row), "erased": row["erased"]}
        return JSONResponse(body, headers=header_of(past))

    return await read(request, caller, services, ["contacts"], look)


def _with_turns(
    services: Services, connection: Connection, caller: Principal, row: Row
) -> dict[str, Any]:
    addresses = known_addresses(services, connection, caller, row["items"])
    turns = [show_turn(turn, addresses) for turn in row["items"]]
    return {**show_conversation(row), "turns": turns}


@router.get("/{conversation_id}/turns/{turn_id}", dependencies=[allow("conversations:read")])
async def turn(
    request: Request, conversation_id: UUID, turn_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """One turn; its `reply` is null while `status` is pending."""

    def look(connection: Connection) -> Response:
        ids = str(conversation_id), str(turn_id)
        row = turn_of(services, connection, *ids) or get_turn(connection, *ids)
        found = required(row, "turn")
        shown = show_turn(found, known_addresses(services, connection, caller, [found]))
        return JSONResponse(
            shown, headers={"Nudge-Position": write_token(positions_of_turn(found))}
        )

    return await read(request, caller, services, [*VIEWS, "contacts"], look)

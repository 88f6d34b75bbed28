"""Saying something and waiting for the answer: shared by HTTP and the WebSocket."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from api.auth import CONCEALED, Principal
from api.ports import Answer, Bell, CommandTransaction, Connection, Services
from api.routers.conversations.mentions import referenced
from api.routers.conversations.schemas import references
from domain.conversation.aggregate import Conversation
from domain.shared.meta import Meta
from projections.queries.conversations import (
    Decode,
    addresses_of,
    addresses_of_strangers,
    recent_turn,
)
from projections.queries.rows import Row

LOOK_AGAIN = 1.0
"""Seconds after which Postgres is looked at without a ring: news may be lost."""


def receive(
    tx: CommandTransaction,
    services: Services,
    conversation_id: UUID,
    text: str,
    caller: Principal,
    meta: Meta,
) -> Answer:
    """Record what somebody said, and what they may do: 202 with the turn.

    Raises NotFoundError, DomainError.
    """
    turn_id = services.new_id()
    conversation = tx.load(Conversation, conversation_id)
    plain, mentions = referenced(tx, text, services.hash_address, services.new_id)
    conversation.receive_turn(turn_id, plain, mentions, caller.permissions, meta)
    tx.save(conversation)
    location = {"Location": f"/v1/conversations/{conversation_id}/turns/{turn_id}"}
    return Answer(202, {"turn_id": str(turn_id), "status": "pending"}, location)


async def answered(
    services: Services,
    bell: Bell,
    caller: Principal,
    conversation_id: str,
    turn_id: str,
    seconds: float,
) -> tuple[Row, dict[str, str]] | None:
    """The turn with its reply and the addresses in it; None when there is none in time.

    `bell` watches the conversation since before the turn was appended. Postgres is looked at
    once more at the end.
    """
    deadline = time.monotonic() + seconds
    look = lambda: _finished(services, caller, conversation_id, turn_id)  # noqa: E731
    while True:
        left = deadline - time.monotonic()
        if left > 0:
            await bell.wait(min(left, LOOK_AGAIN))
        found = await run_in_threadpool(look)
        if found is not None or left <= 0:
            return found


def _finished(
    services: Services, caller: Principal, conversation_id: str, turn_id: str
) -> tuple[Row, dict[str, str]] | None:
    with services.reads.of(str(caller.organization_id)) as connection:
        row = turn_of(services, connection, conversation_id, turn_id)
        if row is None or row["reply"] is None:
            return None
        return row, known_addresses(services, connection, caller, [row])


def turn_of(
    services: Services, connection: Connection, conversation_id: str, turn_id: str
) -> Row | None:
    """A recent turn, straight from the log."""
    return recent_turn(connection, _decoding(services), conversation_id, turn_id)


def known_addresses(
    services: Services, connection: Connection, caller: Principal, rows: Sequence[Row]
) -> dict[str, str]:
    """Addresses by the references that stand in these turns; erased ones are not among them.

    Who may not read contacts is shown none.
    """
    if "contacts:read" not in caller.permissions:
        return {each["reference"]: CONCEALED for row in rows for each in row["mentions"]}
    conversations, contacts = references(rows)
    strangers = (
        addresses_of_strangers(connection, _decoding(services), conversations)
        if conversations
        else {}
    )
    return {**strangers, **(addresses_of(connection, contacts) if contacts else {})}


def _decoding(services: Services) -> Decode:
    return lambda connection, values: services.decode_events(connection, values, True)

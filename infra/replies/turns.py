"""A conversation as its events tell it, with who said what when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from domain.conversation.aggregate import Conversation
from domain.conversation.values import Turn
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra.event_store import domain_event_of
from infra.postgres import Connection
from infra.transactions import CommandLog

ACTOR = "system:replies"


@dataclass(frozen=True, slots=True)
class Said:
    """One turn to be answered: the dialogue so far, and the circumstances of the turn.

    `received_at` is when the log took it, by Postgres's clock.
    """

    conversation: Conversation
    turn: Turn
    actor: str
    event_id: UUID
    correlation_id: UUID
    received_at: datetime

    @property
    def open(self) -> bool:
        """Whether it has no answer yet."""
        return self.turn.turn_id in self.conversation.open_turns

    @property
    def next(self) -> bool:
        """Whether every earlier turn has its answer."""
        return self.conversation.open_turns[:1] == (self.turn.turn_id,)

    def meta(self, now: datetime, actor: str | None = None) -> Meta:
        """Of what follows from the turn: by the person who said it, unless told otherwise."""
        organization_id: UUID = self.conversation.organization_id
        return Meta(organization_id, actor or self.actor, self.correlation_id, self.event_id, now)


def said(log: CommandLog, connection: Connection, conversation_id: str, turn_id: str) -> Said:
    """The turn in its conversation. Raises NotFoundError."""
    rows = connection.execute(
        "SELECT bytes, position, recorded_at FROM log.events WHERE stream_id = %s ORDER BY version",
        (conversation_id,),
    ).fetchall()
    recorded = {position: at for _, position, at in rows}
    values = [(value, position) for value, position, _ in rows]
    conversation: Any = None
    received: Any = None
    for event in log.codec.decode_batch(values, log.keys.on(connection), rich=True):
        conversation = cast("Any", domain_event_of(event)).mutate(conversation)
        if event.type == "TurnReceived" and str(event.data["turn_id"]) == turn_id:
            received = event
    if not isinstance(conversation, Conversation) or received is None:
        raise NotFoundError("turn")
    turn = next(turn for turn in conversation.turns if str(turn.turn_id) == turn_id)
    return Said(
        conversation,
        turn,
        received.actor,
        received.event_id,
        received.correlation_id,
        recorded[received.position],
    )

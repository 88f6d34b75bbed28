"""A conversation as its events tell it, with who said what when."""

from __future__ import annotations

import threading
from collections import OrderedDict
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast
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


class Dialogues:
    """Conversations by id, each read once and then only what is new in it. Thread-safe."""

    def __init__(self, log: CommandLog, most: int = 200) -> None:
        self._log = log
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._generation = log.keys.generation

    def said(self, connection: Connection, conversation_id: str, turn_id: str) -> Said:
        """The turn in its conversation, which is the caller's own. Raises NotFoundError."""
        with self._lock:
            if self._generation != self._log.keys.generation:  # somebody in it may be erased
                self._known.clear()
                self._generation = self._log.keys.generation
            known = self._known.get(conversation_id, _NOTHING)
        known = self._brought_up_to_date(connection, conversation_id, known)
        with self._lock:
            self._known[conversation_id] = known
            self._known.move_to_end(conversation_id)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        received = known.received.get(turn_id)
        if known.conversation is None or received is None:
            raise NotFoundError("turn")
        conversation = deepcopy(known.conversation)
        turn = next(turn for turn in conversation.turns if str(turn.turn_id) == turn_id)
        return Said(conversation, turn, *received)

    def _brought_up_to_date(
        self, connection: Connection, conversation_id: str, known: _Known
    ) -> _Known:
        rows = connection.execute(
            "SELECT bytes, position, recorded_at FROM log.events"
            " WHERE stream_id = %s AND version > %s ORDER BY version",
            (conversation_id, known.version),
        ).fetchall()
        if not rows:
            return known
        recorded = {position: at for _, position, at in rows}
        values = [(value, position) for value, position, _ in rows]
        conversation: Any = deepcopy(known.conversation)
        received = dict(known.received)
        for event in self._log.codec.decode_batch(values, self._log.keys.on(connection), rich=True):
            conversation = cast("Any", domain_event_of(event)).mutate(conversation)
            if event.type == "TurnReceived":
                circumstances = (
                    event.actor, event.event_id, event.correlation_id, recorded[event.position],
                )  # fmt: skip
                received[str(event.data["turn_id"])] = cast("_Received", circumstances)
        if not isinstance(conversation, Conversation):
            raise NotFoundError("conversation")
        kept = {str(turn.turn_id) for turn in conversation.turns}
        return _Known(
            conversation.version,
            conversation,
            {turn_id: each for turn_id, each in received.items() if turn_id in kept},
        )


_Received = tuple[str, UUID, UUID, datetime]
"""Actor, event id and correlation id of a turn, and when the log took it."""


class _Known(NamedTuple):
    version: int
    conversation: Conversation | None
    received: dict[str, _Received]


_NOTHING = _Known(0, None, {})

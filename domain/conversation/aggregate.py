"""The conversation: turns in order, one answer each, and what a yes would mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.access.permissions import EVERYTHING, Permission, permissions_of
from domain.conversation.commands import Recognise, Reply
from domain.conversation.values import (
    CONTEXT_MAX,
    SLOTS_MAX,
    TURNS_KEPT,
    TURNS_OPEN_MAX,
    Channel,
    Mention,
    Shown,
    Turn,
    check_recognition,
    mention_of,
    turn_text,
)
from domain.shared.aggregate import Root
from domain.shared.canonical import canonical_json, json_or
from domain.shared.errors import InvalidValueError, RuleViolatedError
from domain.shared.meta import Meta
from domain.shared.text import json_text


class Conversation(Root):
    """A dialogue about one business.

    `turns` holds the last 30, oldest first; `open_turns` those without an answer, in order.
    """

    TOPIC = "Conversation"

    class Created(Aggregate.Created):
        TOPIC = "ConversationStarted"
        meta: Meta
        business_id: UUID
        channel: str

    class TurnReceived(Aggregate.Event):
        TOPIC = "TurnReceived"
        meta: Meta
        turn_id: UUID
        number: int
        mentions: list[dict[str, Any]]
        permissions: list[str] | None
        text: str

    class IntentRecognized(Aggregate.Event):
        TOPIC = "IntentRecognized"
        meta: Meta
        turn_id: UUID
        intent: str
        campaign_type: str | None
        confidence: float
        recognizer: str
        processing_ms: int
        slots: str

    class ReplyGiven(Aggregate.Event):
        TOPIC = "ReplyGiven"
        meta: Meta
        turn_id: UUID
        campaign_id: UUID | None
        content_hash: str | None
        processing_ms: int
        positions: list[dict[str, Any]]
        content: str
        metadata: str

    class ContextRevised(Aggregate.Event):
        TOPIC = "ContextRevised"
        meta: Meta
        context: str

    @classmethod
    def start(
        cls, conversation_id: UUID, business_id: UUID, channel: Channel, meta: Meta
    ) -> Conversation:
        """A dialogue in which nothing was said yet."""
        return cls._create(
            cls.Created,
            id=conversation_id,
            timestamp=meta.now,
            meta=meta,
            business_id=business_id,
            channel=channel,
        )

    def receive_turn(
        self,
        turn_id: UUID,
        text: str,
        mentions: Sequence[Mention],
        permissions: Collection[Permission],
        meta: Meta,
    ) -> int:
        """A person said something; its number. Addresses in `text` are references already.

        `permissions` are the speaker's: nothing more is done for them in answer to this.
        """
        turn_text(text)
        if self._find(turn_id) is not None:
            raise RuleViolatedError("turn_exists", "This was said before.")
        if len(self.open_turns) >= TURNS_OPEN_MAX:
            raise RuleViolatedError(
                "too_many_open_turns",
                f"{TURNS_OPEN_MAX} messages wait for an answer. Wait for one, then go on.",
            )
        number = self.last_number + 1
        self.record(
            self.TurnReceived,
            meta,
            turn_id=turn_id,
            number=number,
            mentions=[_mention_fields(mention) for mention in mentions],
            permissions=sorted(permissions),
            text=text,
        )
        return number

    def recognise(self, command: Recognise, meta: Meta) -> None:
        """Note what the person wants, once for each turn and before its answer."""
        turn = self._open_turn(command.turn_id)
        if turn.intent is not None:
            raise RuleViolatedError("already_recognised", "This turn was understood before.")
        check_recognition(command.intent, command.campaign_type, command.confidence)
        self.record(
            self.IntentRecognized,
            meta,
            turn_id=command.turn_id,
            intent=command.intent,
            campaign_type=command.campaign_type,
            confidence=float(command.confidence),
            recognizer=command.recognizer,
            processing_ms=command.processing_ms,
            slots=json_text(command.slots, "slots", SLOTS_MAX),
        )

    def reply(self, command: Reply, meta: Meta) -> None:
        """Answer a turn. The first answer recorded is the answer; answers keep turns' order."""
        self._open_turn(command.turn_id)
        if self.open_turns[0] != command.turn_id:
            raise RuleViolatedError("earlier_turn_open", "An earlier turn has no answer yet.")
        if (command.campaign_id is None) != (command.content_hash is None):
            raise InvalidValueError(
                "content_hash", "missing", "A campaign is shown with its content hash."
            )
        self.record(
            self.ReplyGiven,
            meta,
            turn_id=command.turn_id,
            campaign_id=command.campaign_id,
            content_hash=command.content_hash,
            processing_ms=command.processing_ms,
            positions=[asdict(position) for position in command.positions],
            content=command.content,
            metadata=canonical_json(command.metadata),
        )

    def revise_context(self, context: Mapping[str, Any], meta: Meta) -> bool:
        """What the person is looking at; the same again changes nothing."""
        text = json_text(context, "context", CONTEXT_MAX)
        if text == self._context:
            return False
        self.record(self.ContextRevised, meta, context=text)
        return True

    def may_approve(self, campaign_id: UUID, content_hash: str) -> bool:
        """Whether a yes said here covers this content: only what was shown here last."""
        return self.last_shown == Shown(campaign_id, content_hash)

    @property
    def context(self) -> dict[str, Any]:
        """What the client told last about what the person is looking at."""
        context: dict[str, Any] = json_or(self._context, {})
        return context

    def _find(self, turn_id: UUID) -> Turn | None:
        return next((turn for turn in self.turns if turn.turn_id == turn_id), None)

    def _open_turn(self, turn_id: UUID) -> Turn:
        turn = self._find(turn_id)
        if turn is None:
            raise RuleViolatedError("no_such_turn", "Nothing like this was said lately.")
        if turn_id not in self.open_turns:
            raise RuleViolatedError("already_answered", "This turn has its answer.")
        return turn

    @event(Created)
    def __init__(self, meta: Meta, business_id: UUID, channel: str) -> None:
        self.organization_id = meta.organization_id
        self.business_id = business_id
        self.channel = channel
        self.last_number = 0
        self.turns: tuple[Turn, ...] = ()
        self.open_turns: tuple[UUID, ...] = ()
        self.last_shown: Shown | None = None
        self._context = ""

    @event(TurnReceived)
    def _turn_received(
        self,
        turn_id: UUID,
        number: int,
        mentions: list[dict[str, Any]],
        permissions: list[str] | None,
        text: str,
    ) -> None:
        may = EVERYTHING if permissions is None else permissions_of(permissions)
        said = Turn(turn_id, number, text, tuple(mention_of(item) for item in mentions), may)
        self.last_number = number
        self.turns = (*self.turns, said)[-TURNS_KEPT:]
        self.open_turns = (*self.open_turns, turn_id)

    @event(IntentRecognized)
    def _intent_recognized(
        self, turn_id: UUID, intent: str, campaign_type: str | None, slots: str
    ) -> None:
        self.turns = _with(
            self.turns, turn_id, intent=intent, campaign_type=campaign_type, slots=slots
        )

    @event(ReplyGiven)
    def _reply_given(
        self, turn_id: UUID, campaign_id: UUID | None, content_hash: str | None, content: str
    ) -> None:
        self.turns = _with(
            self.turns, turn_id, reply=content, campaign_id=campaign_id, content_hash=content_hash
        )
        self.open_turns = tuple(each for each in self.open_turns if each != turn_id)
        if campaign_id is not None and content_hash is not None:
            self.last_shown = Shown(campaign_id, content_hash)

    @event(ContextRevised)
    def _context_revised(self, context: str) -> None:
        self._context = context


def _with(turns: tuple[Turn, ...], turn_id: UUID, **changes: Any) -> tuple[Turn, ...]:
    return tuple(replace(t, **changes) if t.turn_id == turn_id else t for t in turns)


def _mention_fields(mention: Mention) -> dict[str, Any]:
    return {
        "reference": mention.reference,
        "is_contact": mention.is_contact,
        "address": mention.address,
    }

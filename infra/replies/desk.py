"""The reply desk over Postgres: leases on turns, and the one transaction that answers one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.contact.handlers import HashAddress
from domain.conversation.commands import Position, Recognise, Reply
from domain.organization.business import Business
from domain.shared.errors import ConflictError, DomainError
from infra.postgres import Connection, organization_transaction
from infra.replies.acting import Acting
from infra.replies.knowledge import TagCounts, campaigns_of, findings_of, now_of, situation_of
from infra.replies.turns import ACTOR, Dialogues, Said
from infra.transactions import CommandLog, PostgresTransaction
from schemas.positions import positions_of
from streams.effects.replies import ReplyTask
from streams.recognition.ports import Recognition, Utterance
from streams.steps.dialogue.permitting import offered, unheard
from streams.steps.dialogue.plan import Action, ReplyPlan, says
from streams.steps.dialogue.planner import NOT_UNDERSTOOD, think
from streams.steps.dialogue.situation import Findings

LEASE = timedelta(seconds=60)
HISTORY = 6
_TAKE = """
    UPDATE state.reply_tasks SET state = 'claimed', lease_until = now() + %s,
        attempts = attempts + 1
    WHERE turn_id = (
        SELECT t.turn_id FROM state.reply_tasks t
        WHERE t.state IN ('waiting', 'claimed')
          AND (t.lease_until IS NULL OR t.lease_until <= now())
          AND NOT EXISTS (SELECT 1 FROM state.reply_tasks e
              WHERE e.conversation_id = t.conversation_id AND e.number < t.number
                AND e.state IN ('waiting', 'claimed'))
        ORDER BY t.received_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING turn_id, organization_id, conversation_id, number, attempts
"""
_END = "UPDATE state.reply_tasks SET state = %s, lease_until = NULL WHERE turn_id = %s"
_POSTPONE = """
    UPDATE state.reply_tasks SET state = 'waiting', lease_until = now() + %s
    WHERE turn_id = %s AND state = 'claimed'
"""


class EarlierTurnOpenError(Exception):
    """The answer has to wait for that of an earlier turn."""


@dataclass(frozen=True, slots=True)
class PostgresReplyDesk:
    """The ReplyDesk. Thread-safe."""

    log: CommandLog
    hash_address: HashAddress
    new_id: Callable[[], UUID]
    tags: TagCounts = field(default_factory=TagCounts)
    dialogues: Dialogues = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dialogues", Dialogues(self.log))

    def take(self) -> ReplyTask | None:
        """The first open turn of some conversation, under a lease."""
        with self.log.pool.connection() as connection:
            row = connection.execute(_TAKE, (LEASE,)).fetchone()
        return ReplyTask(*row) if row else None

    def utterance(self, task: ReplyTask) -> Utterance | None:
        """What was said, with what is needed to understand it; None once it is answered."""
        with organization_transaction(self.log.pool, task.organization_id) as connection:
            turn = self.dialogues.said(connection, task.conversation_id, task.turn_id)
            if not turn.open:
                connection.execute(_END, ("done", task.turn_id))
                return None
            tx = PostgresTransaction(connection, UUID(task.organization_id), self.log)
            business = tx.load(Business, turn.conversation.business_id)
            return Utterance(
                text=turn.turn.text,
                now=now_of(connection),
                timezone=business.profile.timezone,
                last_shown_campaign=turn.conversation.last_shown is not None,
                known_campaigns=tuple(
                    {each.name: None for each in campaigns_of(connection, task.organization_id)}
                ),
                history=tuple(t.text for t in turn.conversation.turns[-HISTORY - 1 : -1]),
                tags=tuple(self.tags.of(connection, task.organization_id)),
            )

    def answer(self, task: ReplyTask, recognition: Recognition, recognised_ms: int) -> float:
        """Decide, do and record, all at once; seconds since the turn was received."""
        try:
            return self._answer(task, recognition, recognised_ms, None)
        except ConflictError:
            raise
        except DomainError as error:
            refusal = says(f"I could not do that: {error}").word(Findings())
            return self._answer(task, recognition, recognised_ms, refusal)

    def apologise(self, task: ReplyTask) -> None:
        """Record that this turn could not be answered."""
        nothing = Recognition("clarify", None, 0.0, recognizer="none")
        sorry = ReplyPlan(NOT_UNDERSTOOD)
        self._answer(task, nothing, 0, sorry, ended="failed")

    def postpone(self, task: ReplyTask, seconds: float) -> None:
        """Give the task back for later."""
        with self.log.pool.connection() as connection:
            connection.execute(_POSTPONE, (timedelta(seconds=seconds), task.turn_id))

    def _answer(
        self,
        task: ReplyTask,
        recognition: Recognition,
        recognised_ms: int,
        settled: ReplyPlan | None,
        ended: str = "done",
    ) -> float:
        def decide(tx: PostgresTransaction) -> float:
            turn = self.dialogues.said(tx.connection, task.conversation_id, task.turn_id)
            tx.connection.execute(_END, (ended, task.turn_id))
            if not turn.open:
                return 0.0
            if not turn.next:
                raise EarlierTurnOpenError(task.turn_id)
            plan = settled or self._plan(tx, turn, recognition)
            return self._record(tx, turn, recognition, recognised_ms, plan)

        try:
            seconds, _ = self.log.run(UUID(task.organization_id), decide)
        except EarlierTurnOpenError:
            self.postpone(task, 0.05)
            return 0.0
        return seconds

    def _plan(self, tx: PostgresTransaction, turn: Said, recognition: Recognition) -> ReplyPlan:
        may = turn.turn.permissions
        if (refusal := unheard(recognition.intent, may)) is not None:
            return says(f"I could not do that: {refusal}").word(Findings())
        situation = situation_of(tx, turn, recognition, self.tags, self.hash_address)
        thought = think(turn.turn.text, recognition, situation, self.new_id(), self.new_id())
        organization_id = str(tx.organization_id)
        found = findings_of(tx.connection, organization_id, thought.needs, situation.now)
        plan = thought.word(found)
        return replace(plan, actions=offered(plan.actions, may))

    def _record(
        self,
        tx: PostgresTransaction,
        turn: Said,
        recognition: Recognition,
        recognised_ms: int,
        plan: ReplyPlan,
    ) -> float:
        """Carry the commands out, then answer with the positions of what they appended."""
        now = now_of(tx.connection)
        acting = Acting(tx, turn, turn.meta(now), self.new_id, self.hash_address, {})
        for command in plan.commands:
            acting.perform(command)
        shown = acting.campaign(plan.shows) if plan.shows is not None else None
        tx.flush()
        seconds = _seconds_since(tx.connection, turn)
        meta, conversation = turn.meta(now, ACTOR), turn.conversation
        meaning = plan.understood or recognition
        recognised = Recognise(
            turn.turn.turn_id,
            meaning.intent,
            meaning.confidence,
            recognition.recognizer,
            recognised_ms,
            meaning.campaign_type,
            meaning.slots,
        )
        conversation.recognise(recognised, meta)
        conversation.reply(
            Reply(
                turn.turn.turn_id,
                plan.content,
                round(1000 * seconds),
                metadata_of(recognised, plan, round(1000 * seconds)),
                shown.id if shown is not None else None,
                shown.content_hash if shown is not None else None,
                self._positions(tx),
            ),
            meta,
        )
        tx.save(conversation)
        return seconds

    def _positions(self, tx: PostgresTransaction) -> tuple[Position, ...]:
        appended = [(event.type, event.stream_id, event.position) for event in tx.appended]
        highest = positions_of(appended, self.log.codec.registry)
        return tuple(Position(topic, part, at) for (topic, part), at in sorted(highest.items()))


def _seconds_since(connection: Connection, turn: Said) -> float:
    """From the turn's append to this moment, by Postgres's clock."""
    row = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp() - %s)::float", (turn.received_at,)
    ).fetchone()
    return float(row[0]) if row else 0.0


def metadata_of(recognised: Recognise, plan: ReplyPlan, processing_ms: int) -> dict[str, Any]:
    """What the reply's metadata says, in the public shape."""
    return {
        "confidence": recognised.confidence,
        "processing_time_ms": processing_ms,
        "intent": {
            "name": recognised.intent,
            "campaign_type": recognised.campaign_type,
            "confidence": recognised.confidence,
            "slots": dict(recognised.slots),
        },
        "suggested_actions": [_shown(action) for action in plan.actions],
    }


def _shown(action: Action) -> dict[str, Any]:
    campaign = {"campaign_id": str(action.campaign_id)} if action.campaign_id else {}
    return {"action": action.action, "label": action.label, **campaign}

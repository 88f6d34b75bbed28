"""Deciding about dead letters: each decision an event, in the transaction of what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from domain.organization.dead_letter import INSTALLATION, DeadLetter
from domain.shared.errors import NotFoundError, RuleViolatedError
from domain.shared.meta import Meta
from infra.letters.deciding import decisions, still_open, stream_of
from infra.letters.handling import Handling, UnknownConsumerError
from infra.letters.reading import Letter
from infra.postgres import Connection
from infra.worker_log import PostgresWorkerLog
from projections.batch import Record
from projections.postgres.refolding import NotPassedError
from schemas.codec import Codec, Event, UnreadableEventError
from streams.agents.ports import WorkerTransaction
from streams.poison import TRANSIENT, classify
from streams.ports import DeadLetters
from streams.telling import reason_of, trace_of

_AT: Final = "SELECT bytes, position, organization_id FROM log.events WHERE position = %s"
_KNOWN: Final = """
    SELECT 1 FROM log.events WHERE stream_id = %s AND type = 'OrganizationCreated' AND version = 1
"""


@dataclass(frozen=True, slots=True)
class Retried:
    """What a retry came to; `failure` is the new letter's reason, None when it is handled."""

    letter: Letter
    failure: str | None


@dataclass(frozen=True)
class LetterDesk:
    """Where operators decide. Blocks on Postgres, and on Kafka for a letter that fails again.

    A retry hands the record to the consumer that put it aside, and to no other, in one
    transaction with the event that says so: it is handled once, or not at all.
    """

    log: PostgresWorkerLog
    codec: Codec
    handling: Handling
    dead_letters: DeadLetters
    actor: str

    def open(self, letters: Sequence[Letter]) -> list[Letter]:
        """Those about which nobody has decided."""
        return self.log.run(lambda tx: still_open(tx.connection, self.codec, letters))

    def history(self, letter: Letter) -> list[Event]:
        """The decisions about a record and consumer, oldest first; operators' words sealed."""
        return self.log.run(lambda tx: decisions(tx.connection, self.codec, [letter]))

    def retry(self, letter: Letter) -> Retried:
        """Hand the record to its consumer again.

        When that fails again a new letter says why, and this one is decided. Raises
        RuleViolatedError for a letter that is decided, UnknownConsumerError, NotPassedError, and
        what is transient: then nothing was changed.
        """
        try:
            self.log.run(lambda tx: self._handle(tx, letter))
        except Exception as error:
            if not _is_about_the_record(error):
                raise
            return Retried(letter, self._fail(letter, error))
        return Retried(letter, None)

    def drop(self, letter: Letter, because: str) -> None:
        """Give the record up. Raises RuleViolatedError."""

        def decide(tx: WorkerTransaction) -> None:
            taken, meta = self._taken_up(tx, letter)
            taken.drop(letter.offset, because, meta)
            tx.save(taken)

        self.log.run(decide)

    # --- the parts --------------------------------------------------------------------------

    def _handle(self, tx: WorkerTransaction, letter: Letter) -> None:
        taken, meta = self._taken_up(tx, letter)
        taken.retry(letter.offset, "", meta)
        event = self._event(tx.connection, letter.record)
        self.handling.handle(tx, letter.consumer, letter.record, event)
        tx.save(taken)

    def _fail(self, letter: Letter, error: Exception) -> str:
        """Put it aside again, then record that this was tried: two letters at worst, never none."""
        reason, trace = reason_of(error), trace_of(error)
        self.dead_letters.put(letter.record, consumer=letter.consumer, reason=reason, trace=trace)

        def decide(tx: WorkerTransaction) -> None:
            taken, meta = self._taken_up(tx, letter)
            taken.retry(letter.offset, type(error).__name__, meta)
            tx.save(taken)

        self.log.run(decide)
        return reason

    def _taken_up(self, tx: WorkerTransaction, letter: Letter) -> tuple[DeadLetter, Meta]:
        organization = self._organization(tx.connection, letter.record)
        request = uuid4()
        meta = Meta(organization, self.actor, request, request, datetime.now(UTC))
        try:
            known = tx.load(DeadLetter, str(organization), stream_of(letter))
        except NotFoundError:
            known = DeadLetter.take_up(letter.origin, letter.consumer, meta)
        return known, meta

    def _event(self, connection: Connection, record: Record) -> Event | None:
        """The record's event as the log has it, whatever Kafka holds; None for a raw webhook."""
        if record.topic not in self.codec.registry.topics:
            return None
        row = connection.execute(_AT, (record.position,)).fetchone()
        if row is None:
            raise UnreadableEventError(f"the log has no event at position {record.position}")
        return self.codec.decode(row[0], row[1], None)

    def _organization(self, connection: Connection, record: Record) -> UUID:
        """Whose the record is, if that is somebody; else the installation's."""
        try:
            row = connection.execute(_AT, (record.position,)).fetchone()
        except ValueError:
            row = None
        if record.topic in self.codec.registry.topics:
            return UUID(str(row[2])) if row else INSTALLATION
        try:
            claimed = UUID(record.headers["organization"].decode())
        except (KeyError, ValueError):
            return INSTALLATION
        return claimed if connection.execute(_KNOWN, (claimed,)).fetchone() else INSTALLATION


def _is_about_the_record(error: Exception) -> bool:
    """Whether the consumer failed; otherwise the letter is decided, or nobody could be asked."""
    if isinstance(error, RuleViolatedError):
        return error.code != "already_decided"
    if isinstance(error, NotPassedError | UnknownConsumerError):
        return False
    return classify(error, TRANSIENT) == "poison"

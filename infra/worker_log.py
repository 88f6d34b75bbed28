"""Transactions of the workers: any organizations, one append, rows and positions with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Repository
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.contact.mailable import Note, Standing
from domain.shared.aggregate import Root
from domain.shared.errors import NotFoundError
from infra.event_log import Appended, Draft, EventWriter, VersionConflictError
from infra.event_store import draft_of, event_store
from infra.keys import SubjectKeys
from infra.mailable import Place, Written, highest_positions, take_rows, write_rows
from infra.postgres import Connection, away_when_ended
from schemas.codec import Codec
from streams.agents.ports import Fact, WorkerTransaction
from streams.ports import TransientError

A = TypeVar("A", bound=Root)
T = TypeVar("T")
_DECISIONS = 4


class PostgresWorkerTransaction:
    """A WorkerTransaction over one Postgres transaction. Lives inside `PostgresWorkerLog.run`."""

    def __init__(self, connection: Connection, log: PostgresWorkerLog) -> None:
        self.connection = connection
        self.appended: list[Appended] = []
        self._log = log
        self._pending: list[Draft] = []
        self._notes: dict[Place, Note] = {}

    @cached_property
    def now(self) -> datetime:
        """Postgres's time, moved ahead on a development stack; the same all through."""
        row = self.connection.execute("SELECT now() + ahead FROM state.clock").fetchone()
        return cast("datetime", cast("tuple[Any, ...]", row)[0])

    @cached_property
    def _repository(self) -> Repository[UUID]:
        log = self._log
        return Repository(event_store(log.codec, log.writer, log.keys, self.connection))

    def load(self, kind: type[A], organization_id: str, identity: str) -> A:
        """The aggregate as it is now. Raises NotFoundError; also for another organization's."""
        try:
            found: Any = self._repository.get(UUID(identity))
        except AggregateNotFoundError:
            raise NotFoundError(kind.__name__.lower()) from None
        if not isinstance(found, kind) or str(found.organization_id) != organization_id:
            raise NotFoundError(kind.__name__.lower())
        return found

    def save(self, *aggregates: Root) -> None:
        """Append what these have pending, at the end."""
        for aggregate in aggregates:
            events = cast("Any", aggregate).collect_events()
            self._pending += [draft_of(event) for event in events]

    def add(self, *facts: Fact) -> None:
        """Append these at the end."""
        self._pending += [
            Draft(
                fact.type,
                fact.stream_id,
                fact.version,
                fact.data,
                fact.organization_id,
                self._log.actor,
                fact.correlation_id,
                fact.causation_id,
                self.now,
            )
            for fact in facts
        ]

    def take(self, places: Iterable[Place]) -> dict[Place, Standing]:
        """Standings of addresses, their rows locked in key order and made when missing."""
        return take_rows(self.connection, places)

    def note(self, organization_id: str, note: Note) -> None:
        """Let this stand for a taken address, written after the append."""
        self._notes[organization_id, note.address_hmac] = note

    def versions(self, stream_ids: Iterable[str]) -> dict[str, int]:
        """The last version of each of these streams that has any."""
        return dict(
            self.connection.execute(
                "SELECT s, (SELECT max(version) FROM log.events WHERE stream_id = s)"
                " FROM unnest(%s::uuid[]) AS u (s)"
                " WHERE EXISTS (SELECT 1 FROM log.events WHERE stream_id = s)",
                (sorted(set(stream_ids)),),
            ).fetchall()
        )

    def erased(self, subjects: Iterable[str]) -> set[str]:
        """Those whose key is gone for good."""
        rows = self.connection.execute(
            "SELECT subject_id FROM log.subject_keys"
            " WHERE subject_id = ANY(%s::uuid[]) AND wrapped IS NULL",
            (sorted(set(subjects)),),
        ).fetchall()
        return {subject for (subject,) in rows}

    def finish(self) -> None:
        """Append, then write the rows that hold positions."""
        self.appended += self._log.writer.append(self.connection, self._pending)
        positions = highest_positions(self.appended)
        write_rows(
            self.connection,
            [
                Written(organization, note, positions.get(note.stream_id, 0))
                for (organization, _), note in self._notes.items()
            ],
        )


class PostgresWorkerLog:
    """Runs worker transactions. Thread-safe; blocks on Postgres."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        codec: Codec,
        writer: EventWriter,
        keys: SubjectKeys,
        actor: str,
    ) -> None:
        """`actor` is who the events name, such as system:reactions."""
        self.codec = codec
        self.writer = writer
        self.keys = keys
        self.actor = actor
        self._pool = pool

    def run(self, decide: Callable[[WorkerTransaction], T]) -> T:
        """Decide, append and write in one transaction; again after a version conflict.

        Raises TransientError when others keep being first or no connection is to be had; psycopg's
        errors as they come.
        """
        for _ in range(_DECISIONS):
            try:
                with away_when_ended(), self._pool.connection() as connection:
                    transaction = PostgresWorkerTransaction(connection, self)
                    result = decide(transaction)
                    transaction.finish()
            except VersionConflictError:
                continue
            except PoolTimeout as error:
                raise TransientError(str(error)) from error
            return result
        raise TransientError("others keep changing the same streams")

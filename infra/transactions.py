"""Commands: load aggregates, decide, append; again when somebody else was first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Repository
from psycopg_pool import ConnectionPool

from api.ports import Answer
from domain.contact.mailable import Mailable
from domain.shared.aggregate import Root
from domain.shared.errors import ConflictError, NotFoundError, RuleViolatedError
from infra.event_log import Appended, Draft, EventWriter, VersionConflictError
from infra.event_store import domain_event_of, draft_of, event_store
from infra.idempotency import AnswerStore
from infra.keys import SubjectKeys
from infra.postgres import Connection, organization_transaction
from schemas.codec import Codec, MissingKeyError
from schemas.positions import positions_of, write_token

if TYPE_CHECKING:
    from infra.quotas import PostgresAllowance

A = TypeVar("A", bound=Root)
T = TypeVar("T")

_LEFT = "SELECT 1 FROM state.departed WHERE organization_id = %s"
DECISIONS = 4
"""The first decision and three more after a conflict; then the caller gets 409."""


class PostgresTransaction:
    """The domain's Transaction over one Postgres transaction. Lives inside `CommandLog.run`."""

    def __init__(self, connection: Connection, organization_id: UUID, log: CommandLog) -> None:
        self.connection = connection
        self.organization_id = organization_id
        self.appended: list[Appended] = []
        self._log = log
        self._store = event_store(log.codec, log.writer, log.keys, connection)
        self._repository: Repository[UUID] = Repository(self._store)
        self._pending: list[Draft] = []
        self._beforehand: list[Callable[[], None]] = []
        self._afterwards: list[Callable[[], None]] = []

    @cached_property
    def allowance(self) -> PostgresAllowance:
        """What is left of the organization's quota, in this transaction."""
        from infra.quotas import PostgresAllowance  # it builds on this module

        return PostgresAllowance(self)

    @cached_property
    def mailable(self) -> Mailable:
        """Who may be mailed, in this transaction."""
        from infra.mailable import PostgresMailable  # it builds on this module

        return PostgresMailable(self)

    def load(self, kind: type[A], identity: UUID) -> A:
        """The aggregate as it is now. Raises NotFoundError; also for another organization's."""
        try:
            found: Any = self._repository.get(identity)
        except AggregateNotFoundError:
            raise NotFoundError(kind.__name__.lower()) from None
        if not isinstance(found, kind) or found.organization_id != self.organization_id:
            raise NotFoundError(kind.__name__.lower())
        return found

    def load_many(self, kind: type[A], identities: Iterable[UUID]) -> dict[UUID, A]:
        """Several aggregates in one look-up; those that do not exist are left out."""
        rows = self.connection.execute(
            "SELECT bytes, position FROM log.events WHERE stream_id = ANY(%s::uuid[])"
            " AND organization_id = %s ORDER BY stream_id, version",
            ([str(identity) for identity in identities], self.organization_id),
        ).fetchall()
        keys = self._log.keys.on(self.connection)
        found: dict[UUID, A] = {}
        for event in self._log.codec.decode_batch(rows, keys, rich=True):
            domain_event: Any = domain_event_of(event)
            identity = domain_event.originator_id
            found[identity] = domain_event.mutate(found.get(identity))
        return {identity: each for identity, each in found.items() if isinstance(each, kind)}

    def save(self, *aggregates: Root) -> None:
        """Append what these have pending at the end of the transaction, in this order."""
        for aggregate in aggregates:
            events = cast("Any", aggregate).collect_events()
            self._pending += [draft_of(event) for event in events]

    def add(self, *drafts: Draft) -> None:
        """Append these at the end of the transaction too."""
        self._pending += drafts

    def before_append(self, then: Callable[[], None]) -> None:
        """Run last of all before the log's lock is taken."""
        self._beforehand.append(then)

    def after_append(self, then: Callable[[], None]) -> None:
        """Run once the events have positions (`appended`), still inside the transaction."""
        self._afterwards.append(then)

    def flush(self) -> None:
        """Append what is pending now; the log's lock is held from here to the commit."""
        beforehand, self._beforehand = self._beforehand, []
        for then in beforehand:
            then()
        pending, self._pending = self._pending, []
        self.appended += self._log.writer.append(self.connection, pending)

    def finish(self) -> None:
        """Append, then let rows that hold positions be written."""
        self.flush()
        afterwards, self._afterwards = self._afterwards, []
        for then in afterwards:
            then()


class CommandLog:
    """Runs commands against the event log. Thread-safe; blocks on Postgres."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        codec: Codec,
        writer: EventWriter,
        keys: SubjectKeys,
        answers: AnswerStore,
    ) -> None:
        self.answers = answers
        self.pool = pool
        self.codec = codec
        self.writer = writer
        self.keys = keys

    def run_once(
        self,
        organization_id: UUID,
        key: str | None,
        request_hash: bytes,
        decide: Callable[[PostgresTransaction], Answer],
    ) -> tuple[Answer, bool]:
        """The command's answer, with its positions as Nudge-Position; whether it is a replay.

        With a key the answer is kept in the command's own transaction, so that a repetition is
        answered and never carried out. Raises KeyReusedError, and what `run` raises.
        """
        replayed = False

        def answer_once(transaction: PostgresTransaction) -> Answer:
            nonlocal replayed
            if key is not None:
                earlier = self.answers.recall(
                    transaction.connection, str(organization_id), key, request_hash
                )
                replayed = earlier is not None
                if earlier is not None:
                    return earlier
            answer = decide(transaction)
            transaction.finish()
            answer = replace(answer, headers={**answer.headers, **self._position(transaction)})
            if key is not None:
                self.answers.store(transaction.connection, str(organization_id), key, answer)
            return answer

        answer, _ = self.run(organization_id, answer_once)
        return answer, replayed

    def earlier(self, organization_id: UUID, key: str, request_hash: bytes) -> Answer | None:
        """The kept answer of a request that takes more than one transaction, if there is one."""
        organization = str(organization_id)
        with self._there(organization_id), self._transaction(organization_id) as connection:
            return self.answers.find(connection, organization, key, request_hash)

    def keep(self, organization_id: UUID, key: str, request_hash: bytes, answer: Answer) -> None:
        """Keep the answer of such a request."""
        organization = str(organization_id)
        with self._there(organization_id), self._transaction(organization_id) as connection:
            self.answers.recall(connection, organization, key, request_hash)
            self.answers.store(connection, organization, key, answer)

    @contextmanager
    def alone(self, organization_id: UUID, key: str) -> Iterator[bool]:
        """Whether nobody else carries out such a request with this key; held inside.

        A lock of Postgres: it ends with the process that holds it.
        """
        with self._transaction(organization_id) as connection:
            row = connection.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7310))",
                (f"{organization_id}/{key}",),
            ).fetchone()
            yield bool(row and row[0])

    def _position(self, transaction: PostgresTransaction) -> dict[str, str]:
        appended = [(e.type, e.stream_id, e.position) for e in transaction.appended]
        token = write_token(positions_of(appended, self.codec.registry))
        return {"Nudge-Position": token} if token else {}

    def _transaction(self, organization_id: UUID) -> AbstractContextManager[Connection]:
        return organization_transaction(self.pool, str(organization_id))

    @contextmanager
    def _there(self, organization_id: UUID) -> Iterator[None]:
        """Nothing can be sealed for an organization that left: say so."""
        try:
            yield
        except MissingKeyError:
            with self._transaction(organization_id) as connection:
                left = connection.execute(_LEFT, (organization_id,)).fetchone()
            if not left:
                raise
            raise RuleViolatedError(
                "organization_deleted", "This organization was deleted."
            ) from None

    def run(
        self, organization_id: UUID, decide: Callable[[PostgresTransaction], T]
    ) -> tuple[T, list[Appended]]:
        """Decide and append in one transaction; what it returned, and the events' positions.

        After a version conflict the whole decision is taken again on fresh state, three times at
        most, then ConflictError; RuleViolatedError `organization_deleted` when it left meanwhile.
        Whatever `decide` raises leaves nothing behind.
        """
        for _ in range(DECISIONS):
            try:
                with self._there(organization_id), self._transaction(organization_id) as connection:
                    transaction = PostgresTransaction(connection, organization_id, self)
                    result = decide(transaction)
                    transaction.finish()
            except VersionConflictError:
                continue
            return result, transaction.appended
        raise ConflictError(
            "version_conflict", "Somebody else keeps changing this. Read it again, then retry."
        )

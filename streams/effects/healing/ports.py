"""What healing needs from outside: what we heard, what the provider tells, and the intake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from streams.effects.ports import Route, Sending
from streams.steps.gaps import Count

Record = Mapping[str, Any]


class Audit(NamedTuple):
    """An organization whose webhooks are to be compared. Before `since` nothing is compared."""

    organization_id: str
    since: datetime
    failures: int


class BatchAudit(NamedTuple):
    """A batch whose messages are to be looked up, from the one numbered `reached` on.

    `every_message`: also those of which we heard how they ended. `silent`: those before
    `reached` of which nothing is known at the provider either.
    """

    batch_id: str
    organization_id: str
    since: datetime
    message_stream: str
    every_message: bool
    reached: int
    silent: int
    looks: int
    failures: int
    connection: int = 0

    @property
    def route(self) -> Route:
        """The way it was sent: only that server knows of it."""
        return Route(self.connection, self.message_stream)


class Page(NamedTuple):
    """A page of a list, and how many there are in all."""

    total: int
    items: Sequence[Record]


class Heard(Protocol):
    """What we heard, and where healing stands. Each method is one transaction, and blocks."""

    def now(self) -> datetime:
        """The store's time, by which everything here is due."""
        ...

    def take(self) -> Audit | None:
        """An organization that is due, for a minute this caller's alone."""
        ...

    def take_batch(self) -> BatchAudit | None:
        """A batch that is due, likewise."""
        ...

    def routes(self, organization_id: str) -> Sequence[Route]:
        """The ways of batches of which the provider may still tell something."""
        ...

    def counts(self, organization_id: str) -> Mapping[tuple[str, date], int]:
        """How many observations we heard, by kind and the provider's day."""
        ...

    def looked_through(self, organization_id: str) -> Sequence[Count]:
        """The days that were looked through, as they stood then."""
        ...

    def note_looked_through(self, organization_id: str, counts: Iterable[Count]) -> None:
        """These were looked through."""
        ...

    def unheard(self, organization_id: str, keys: Collection[bytes]) -> set[bytes]:
        """Those of these observations that were never heard."""
        ...

    def ours(self, organization_id: str, message_ids: Collection[str]) -> set[str]:
        """Those of these messages that the organization's ledger knows."""
        ...

    def recorded(
        self, organization_id: str, delivery_ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """How many events of each type these deliveries have."""
        ...

    def watch_batches(self, organization_id: str, before: datetime) -> None:
        """Let batches handed over before then be looked up, if they are not already."""
        ...

    def watch_every_message(self, organization_id: str) -> None:
        """Let every message that the provider still knows be looked up, one by one."""
        ...

    def finish(self, audit: Audit, again: timedelta, found: Mapping[str, int]) -> None:
        """The organization was compared; `found`: missing observations by kind."""
        ...

    def postpone(self, audit: Audit, delay: timedelta, problem: str) -> None:
        """Try again after the delay; `problem` is for people."""
        ...

    def keep_batch(
        self, batch: BatchAudit, again: timedelta | None, found: Mapping[str, int]
    ) -> None:
        """Store how far the batch is; due again after so long, None: never."""
        ...


class MailHistory(Protocol):
    """What the provider tells about mails after they were sent. Thread-safe.

    Raises ProviderAwayError, ProviderRefusedError.
    """

    def daily(self, sending: Sending, kind: str, first: date) -> Mapping[date, int]:
        """Counts by day of `Open` or `Click`, from the first day on."""
        ...

    def reads(self, sending: Sending, kind: str, offset: int) -> Page:
        """A page of all `Open` or `Click` records, newest first."""
        ...

    def reads_of(self, sending: Sending, kind: str, message_id: str) -> Sequence[Record]:
        """The same of one message."""
        ...

    def bounces(self, sending: Sending, first: date, offset: int) -> Page:
        """A page of bounces and complaints from the first day on, newest first."""
        ...

    def bounces_of(self, sending: Sending, message_id: str) -> Sequence[Record]:
        """The same of one message."""
        ...

    def suppressions(
        self, sending: Sending, stream: str, first: date, recipient: str | None = None
    ) -> Sequence[Record]:
        """A stream's suppressions since the first day, of everybody or one person."""
        ...

    def batch(self, sending: Sending, stream: str, batch_id: str, offset: int) -> Page:
        """A page of the messages of one of our batches."""
        ...

    def messages_to(self, sending: Sending, stream: str, recipient: str) -> Sequence[Record]:
        """The newest messages to somebody."""
        ...

    def details(self, sending: Sending, message_id: str) -> Record | None:
        """One message with its MessageEvents; None when it is not known (any more)."""
        ...


class Intake(Protocol):
    """The door through which webhooks come."""

    def put_back(self, organization_id: str, bodies: Sequence[bytes]) -> None:
        """Returns once all replicas have them, marked as repaired. Raises IntakeAwayError."""
        ...


class IntakeAwayError(Exception):
    """The intake cannot take anything just now."""

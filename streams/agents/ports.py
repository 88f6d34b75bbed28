"""What reactions need from outside: one transaction over log, ledger and positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import psycopg

from domain.contact.mailable import Note, Standing
from domain.shared.aggregate import Root

Connection = psycopg.Connection[Any]
Place = tuple[str, bytes]
"""Organization and address hash: the key of a row of the mailable addresses."""
A = TypeVar("A", bound=Root)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact:
    """An event to append that no aggregate decides. `data` holds UUID text and microseconds."""

    type: str
    stream_id: str
    version: int
    data: Mapping[str, Any]
    organization_id: str
    correlation_id: str
    causation_id: str


class WorkerTransaction(Protocol):
    """One transaction over any organizations. What was added is appended last, in order, at once.

    Lock rows in this order: runs and steps, sends by delivery id, mailable addresses.
    """

    @property
    def connection(self) -> Connection: ...

    @property
    def now(self) -> datetime:
        """The time by which timers run: Postgres's, moved ahead on a development stack."""
        ...

    def load(self, kind: type[A], organization_id: str, identity: str) -> A:
        """The aggregate as it is now. Raises NotFoundError; also for another organization's."""
        ...

    def save(self, *aggregates: Root) -> None:
        """Append what these have pending."""
        ...

    def add(self, *facts: Fact) -> None:
        """Append these."""
        ...

    def take(self, places: Iterable[Place]) -> dict[Place, Standing]:
        """Standings of addresses, locked. Once in a transaction."""
        ...

    def note(self, organization_id: str, note: Note) -> None:
        """Let this stand for a taken address, with the position its stream gets."""
        ...

    def versions(self, stream_ids: Iterable[str]) -> dict[str, int]:
        """The last version of each of these streams that has any."""
        ...

    def erased(self, subjects: Iterable[str]) -> set[str]:
        """Those of these subjects for whom nothing can be sealed any more."""
        ...


class WorkerLog(Protocol):
    """Runs transactions; decides again when somebody else changed a stream first."""

    def run(self, decide: Callable[[WorkerTransaction], T]) -> T:
        """All of `decide` or nothing. Raises TransientError when others keep being first."""
        ...


class HashAddress(Protocol):
    """The keyed hash of a normalised address."""

    def __call__(self, normalised_address: str) -> bytes: ...

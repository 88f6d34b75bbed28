"""What deciding needs from outside: a transaction over the event log, time and new ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from domain.shared.aggregate import Root

A = TypeVar("A", bound=Root)


class Clock(Protocol):
    """The time by which timers and schedules run; aware, UTC."""

    def __call__(self) -> datetime: ...


class NewId(Protocol):
    """A fresh random UUID each time."""

    def __call__(self) -> UUID: ...


class Transaction(Protocol):
    """One transaction of one organization: what was saved is appended when it ends, or nothing is.

    A concurrent change of the same stream makes the whole transaction be decided again.
    """

    @property
    def organization_id(self) -> UUID: ...

    def load(self, kind: type[A], identity: UUID) -> A:
        """The aggregate as it is now. Raises NotFoundError; also for another organization's."""
        ...

    def save(self, *aggregates: Root) -> None:
        """Append what these have pending, in this order, at the end of the transaction."""
        ...

    def after_append(self, then: Callable[[], None]) -> None:
        """Run once the events have positions, still inside the transaction."""
        ...

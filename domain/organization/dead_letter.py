"""What operators decided about one record that one consumer could not handle."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate, event

from domain.shared.aggregate import Root
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta

INSTALLATION: Final = UUID(int=0)
"""Whose the decisions about letters of no known organization are: nobody's but the operators'."""
_LETTERS: Final = UUID("9d0d5bb8-5a4e-4f0a-8b43-6a0d0d9a1c77")


def letter_id(origin: str, consumer: str) -> UUID:
    """The stream of decisions about a record (topic:partition:offset) and its consumer."""
    return uuid5(_LETTERS, f"{origin}:{consumer}")


class DeadLetter(Root):
    """The decisions about all letters of one record and consumer, the newest last.

    A letter that fails again is a new letter, at a higher offset of the dead-letter topic.
    """

    TOPIC = "DeadLetter"

    class Created(Aggregate.Created):
        TOPIC = "DeadLetterTakenUp"
        meta: Meta
        origin: str
        consumer: str

    class Retried(Aggregate.Event):
        TOPIC = "DeadLetterRetried"
        meta: Meta
        letter: int
        handled: bool
        failure: str

    class Dropped(Aggregate.Event):
        TOPIC = "DeadLetterDropped"
        meta: Meta
        letter: int
        because: str

    @classmethod
    def take_up(cls, origin: str, consumer: str, meta: Meta) -> DeadLetter:
        """The first decision is about to be made."""
        return cls._create(
            cls.Created,
            id=letter_id(origin, consumer),
            timestamp=meta.now,
            meta=meta,
            origin=origin,
            consumer=consumer,
        )

    def retry(self, letter: int, failure: str, meta: Meta) -> None:
        """It was handed over again; `failure` is the error's name, empty when it is handled."""
        self._ensure_open(letter)
        self.record(self.Retried, meta, letter=letter, handled=not failure, failure=failure)

    def drop(self, letter: int, because: str, meta: Meta) -> None:
        """Give it up, for a reason that somebody can read later."""
        if not because.strip():
            raise RuleViolatedError("reason_missing", "Say why the record can be given up.")
        self._ensure_open(letter)
        self.record(self.Dropped, meta, letter=letter, because=because)

    def is_open(self, letter: int) -> bool:
        """Whether nobody has decided about this letter, or a later one, yet."""
        return letter > self.decided

    def _ensure_open(self, letter: int) -> None:
        if not self.is_open(letter):
            raise RuleViolatedError("already_decided", "This letter is decided; list them again.")

    @event(Created)
    def __init__(self, meta: Meta, origin: str, consumer: str) -> None:
        self.organization_id = meta.organization_id
        self.origin = origin
        self.consumer = consumer
        self.decided = -1

    @event(Retried)
    def _retried(self, letter: int) -> None:
        self.decided = letter

    @event(Dropped)
    def _dropped(self, letter: int) -> None:
        self.decided = letter

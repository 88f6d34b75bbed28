"""Sessions and failed log-ins: who came in, and who tried."""

from __future__ import annotations

from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.people.commands import Ending, Entry
from domain.shared.aggregate import Root
from domain.shared.meta import Meta


class Session(Root):
    """One log-in of one user on one device: a family of refresh tokens, each used once."""

    TOPIC = "Session"

    class Created(Aggregate.Created):
        TOPIC = "SessionStarted"
        meta: Meta
        user_id: UUID
        entry: str

    class Ended(Aggregate.Event):
        TOPIC = "SessionEnded"
        meta: Meta
        reason: str

    @classmethod
    def start(cls, session_id: UUID, user_id: UUID, entry: Entry, meta: Meta) -> Session:
        """Somebody has shown who they are."""
        return cls._create(
            cls.Created,
            id=session_id,
            timestamp=meta.now,
            meta=meta,
            user_id=user_id,
            entry=entry,
        )

    def end(self, reason: Ending, meta: Meta) -> None:
        """Believe none of its tokens any longer; again changes nothing."""
        if not self.ended:
            self.record(self.Ended, meta, reason=reason)

    @event(Created)
    def __init__(self, meta: Meta, user_id: UUID) -> None:
        self.organization_id = meta.organization_id
        self.user_id = user_id
        self.ended = False

    @event(Ended)
    def _ended(self) -> None:
        self.ended = True


class FailedLogin(Root):
    """Somebody gave a wrong password for a user. Each is a stream of its own, so none grows."""

    TOPIC = "FailedLogin"

    class Created(Aggregate.Created):
        TOPIC = "LoginFailed"
        meta: Meta
        user_id: UUID

    @classmethod
    def note(cls, failure_id: UUID, user_id: UUID, meta: Meta) -> FailedLogin:
        """It happened, at the time of `meta`."""
        return cls._create(
            cls.Created, id=failure_id, timestamp=meta.now, meta=meta, user_id=user_id
        )

    @event(Created)
    def __init__(self, meta: Meta, user_id: UUID) -> None:
        self.organization_id = meta.organization_id
        self.user_id = user_id

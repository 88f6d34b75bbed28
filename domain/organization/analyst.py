"""The analyst login: somebody, or some program, that may query the organization's analytics."""

from __future__ import annotations

from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.shared.aggregate import Root
from domain.shared.meta import Meta


class Analyst(Root):
    """One login for ClickHouse. Its password's hash is kept beside the log, never in it."""

    TOPIC = "Analyst"

    class Created(Aggregate.Created):
        TOPIC = "AnalystCreated"
        meta: Meta
        name: str

    class Revoked(Aggregate.Event):
        TOPIC = "AnalystRevoked"
        meta: Meta

    @classmethod
    def create(cls, analyst_id: UUID, name: str, meta: Meta) -> Analyst:
        """A new login."""
        return cls._create(cls.Created, id=analyst_id, timestamp=meta.now, meta=meta, name=name)

    def revoke(self, meta: Meta) -> None:
        """Admit it no longer; once more changes nothing."""
        if not self.revoked:
            self.record(self.Revoked, meta)

    @property
    def username(self) -> str:
        """What it is called at ClickHouse's door."""
        return username_of(self.id)

    @event(Created)
    def __init__(self, meta: Meta, name: str) -> None:
        self.organization_id = meta.organization_id
        self.name = name
        self.created_by = meta.actor
        self.revoked = False

    @event(Revoked)
    def _revoked(self) -> None:
        self.revoked = True


def username_of(analyst_id: UUID) -> str:
    """The user name of a login: it follows from the id, so that the door can look it up."""
    return f"analyst_{analyst_id.hex}"

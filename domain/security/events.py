"""A security event: something an auditor may ask about, recorded once and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate, event

from domain.shared.aggregate import Root
from domain.shared.meta import Meta

Kind = Literal[
    "login",
    "login_failed",
    "logout",
    "session_revoked",
    "token_refused",
    "refresh_reused",
    "password_changed",
    "permission_changed",
    "permission_denied",
    "key_issued",
    "key_used",
    "key_rotated",
    "key_revoked",
    "limit_reached",
    "export",
    "unmasking",
    "erasure",
    "credentials_changed",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
"""Closed: an auditor's filter and an alarm can rely on these names."""

NOBODY: Final = UUID(int=0)
"""Whose events are that belong to no known organization, such as a wrong key: the operators'."""
_EVENTS: Final = UUID("5b0f3b52-0f43-4d0e-9a0a-1f7d7c6d1a55")


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened. The circumstances (who, for whom, when) are in the Meta it comes with.

    `subject` is the id of what it is about, such as a key, a user or a contact; `what` a short
    stable code, never free text or an address. `address` and `agent` are the caller's, sealed
    under the key of `person`: a user's id, else the organization's, so that they end with it.
    """

    kind: Kind
    subject: str = ""
    what: str = ""
    person: UUID | None = None
    address: str = ""
    agent: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is no security event")


def event_stream(fact: Fact, meta: Meta, once: str) -> UUID:
    """The stream of a fact that is recorded once per actor and `once`, such as a day."""
    parts = (str(meta.organization_id), fact.kind, meta.actor, fact.subject, fact.what, once)
    return uuid5(_EVENTS, "\x1f".join(parts))


class SecurityEvent(Root):
    """One security event: a stream of its own, so that no two of them ever conflict."""

    TOPIC = "SecurityEvent"

    class Created(Aggregate.Created):
        TOPIC = "SecurityEventRecorded"
        meta: Meta
        kind: str
        subject: str
        what: str
        person: UUID
        address: str
        agent: str

    @classmethod
    def record_fact(cls, identity: UUID, fact: Fact, meta: Meta) -> SecurityEvent:
        """It happened, to the organization of `meta`."""
        return cls._create(
            cls.Created,
            id=identity,
            timestamp=meta.now,
            meta=meta,
            kind=fact.kind,
            subject=fact.subject,
            what=fact.what,
            person=fact.person or meta.organization_id,
            address=fact.address[:64],
            agent=fact.agent[:256],
        )

    @event(Created)
    def __init__(self, meta: Meta, kind: str) -> None:
        self.organization_id = meta.organization_id
        self.kind = kind

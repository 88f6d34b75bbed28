"""The invitation: an address that may become a user, once, for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.access.permissions import Role
from domain.people.commands import Invite
from domain.shared.aggregate import Root
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta

VALID: Final = timedelta(days=7)


class Invitation(Root):
    """One invitation. The address is sealed under the key of the user they will be."""

    TOPIC = "Invitation"

    class Created(Aggregate.Created):
        TOPIC = "InvitationCreated"
        meta: Meta
        user_id: UUID
        role: str
        expires_at: datetime
        email: str

    class Revoked(Aggregate.Event):
        TOPIC = "InvitationRevoked"
        meta: Meta

    class Accepted(Aggregate.Event):
        TOPIC = "InvitationAccepted"
        meta: Meta

    @classmethod
    def create(cls, command: Invite, meta: Meta) -> Invitation:
        """A new invitation into the organization of `meta`."""
        return cls._create(
            cls.Created,
            id=command.invitation_id,
            timestamp=meta.now,
            meta=meta,
            user_id=command.user_id,
            role=command.role,
            expires_at=command.expires_at,
            email=command.email,
        )

    def accept(self, meta: Meta, *, inviter_left: bool) -> Role:
        """Become a user with the role that comes back. Raises RuleViolatedError.

        `inviter_left`: whether the person behind the invitation is a user no more.
        """
        self._ensure_open()
        if inviter_left:
            raise RuleViolatedError(
                "invitation_over", "Whoever invited you is gone: ask for a new invitation."
            )
        if meta.now >= self.expires_at:
            raise RuleViolatedError(
                "invitation_over", "This invitation is too old: ask for a new one."
            )
        self.record(self.Accepted, meta)
        return cast("Role", self.role)

    def revoke(self, meta: Meta) -> None:
        """Take it back. The caller destroys the person's key in the same transaction."""
        self._ensure_open()
        self.record(self.Revoked, meta)

    def _ensure_open(self) -> None:
        if self.status != "open":
            raise RuleViolatedError("invitation_over", f"This invitation was {self.status}.")

    @event(Created)
    def __init__(
        self, meta: Meta, user_id: UUID, role: str, expires_at: datetime, email: str
    ) -> None:
        self.organization_id = meta.organization_id
        self.user_id = user_id
        self.role = role
        self.expires_at = expires_at
        self.email = email
        self.invited_by = meta.actor
        self.status = "open"

    @event(Revoked)
    def _revoked(self) -> None:
        self.status = "revoked"

    @event(Accepted)
    def _accepted(self) -> None:
        self.status = "accepted"

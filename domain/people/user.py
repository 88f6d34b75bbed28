"""The user: one person of one organization, with a role."""

from __future__ import annotations

from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.access.permissions import Role
from domain.people.commands import Change, RegisterUser
from domain.shared.aggregate import Root
from domain.shared.errors import NotFoundError, RuleViolatedError
from domain.shared.meta import Meta


class User(Root):
    """A person who may log in. Address and name are sealed under the person's own key.

    Whoever becomes a user has proven to read the address's mail. Passwords are no part of it:
    their hashes lie in a table, and events only say that one was changed.
    """

    TOPIC = "User"

    class Created(Aggregate.Created):
        TOPIC = "UserRegistered"
        meta: Meta
        role: str
        invitation_id: UUID | None
        email: str
        name: str

    class RoleChanged(Aggregate.Event):
        TOPIC = "UserRoleChanged"
        meta: Meta
        role: str
        earlier_role: str

    class PasswordChanged(Aggregate.Event):
        TOPIC = "UserPasswordChanged"
        meta: Meta
        how: str

    class Removed(Aggregate.Event):
        TOPIC = "UserRemoved"
        meta: Meta

    @classmethod
    def register(cls, command: RegisterUser, meta: Meta) -> User:
        """A new user of the organization of `meta`."""
        return cls._create(
            cls.Created,
            id=command.user_id,
            timestamp=meta.now,
            meta=meta,
            role=command.role,
            invitation_id=command.invitation_id,
            email=command.email,
            name=command.name,
        )

    def change_role(self, role: Role, other_owners: int, meta: Meta) -> None:
        """Have another role from now on; the same again changes nothing.

        `other_owners`: how many owners there are besides, as of this transaction.
        """
        self._ensure_there()
        if role == self.role:
            return
        self._ensure_an_owner_stays(other_owners)
        self.record(self.RoleChanged, meta, role=role, earlier_role=self.role)

    def change_password(self, how: Change, meta: Meta) -> None:
        """Note that the password is another one."""
        self._ensure_there()
        self.record(self.PasswordChanged, meta, how=how)

    def remove(self, other_owners: int, meta: Meta) -> None:
        """Leave for good. The caller destroys the person's key in the same transaction."""
        self._ensure_there()
        self._ensure_an_owner_stays(other_owners)
        self.record(self.Removed, meta)

    def _ensure_there(self) -> None:
        if self.removed:
            raise NotFoundError("user")

    def _ensure_an_owner_stays(self, other_owners: int) -> None:
        if self.role == "owner" and not other_owners:
            raise RuleViolatedError(
                "last_owner", "An organization keeps an owner: make somebody else one first."
            )

    @event(Created)
    def __init__(
        self, meta: Meta, role: str, invitation_id: UUID | None, email: str, name: str
    ) -> None:
        self.organization_id = meta.organization_id
        self.role = role
        self.invitation_id = invitation_id
        self.email = email
        self.name = name
        self.removed = False

    @event(RoleChanged)
    def _role_changed(self, role: str) -> None:
        self.role = role

    @event(PasswordChanged)
    def _password_changed(self) -> None:
        pass

    @event(Removed)
    def _removed(self) -> None:
        self.removed = True

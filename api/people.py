"""What the API needs from outside to know people: an entrance, their tokens, their accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from api.ports import CommandTransaction, Connection
from domain.access.permissions import Permission, Role
from domain.contact.values import EmailAddress
from domain.people.invitation import Invitation
from domain.people.links import Purpose
from domain.people.user import User
from domain.shared.meta import Meta


class Holder(NamedTuple):
    """Whose access token it is, and what they are now."""

    organization_id: UUID
    user_id: UUID
    session_id: UUID
    role: Role


class AccessTokens(Protocol):
    """Reads access tokens."""

    def find(self, token: str) -> Holder | None:
        """Who holds it; None for one that is expired, forged, or of a session that is over.

        Blocks.
        """
        ...

    def remembered(self, token: str) -> Holder | None:
        """Who holds a token looked up within the last second; None says nothing. Never blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """The circumstances of somebody at the entrance: this request, now, from where."""

    correlation_id: UUID
    now: datetime
    host: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SignUp:
    """Somebody who wants an organization of their own. Values are checked."""

    address: EmailAddress
    password: str
    name: str
    organization: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who is in: both tokens, shown this once. `lasts`, `stays`: seconds they are good."""

    organization_id: UUID
    user_id: UUID
    session_id: UUID
    access_token: str
    lasts: int
    refresh_token: str
    stays: int


class PasswordChange(NamedTuple):
    """The hash of a password that was given, and of the one that is to follow it."""

    kept: str
    fresh: str


class Entrance(Protocol):
    """Where people come in, before anybody knows them. Blocks; each call is whole by itself.

    What it says, and what it does before it says so, is the same whether or not an address is
    known. Raises NotAdmittedError (401), TooSoonError (429), InvalidValueError (422).
    """

    def sign_up(self, wanted: SignUp, visit: Visit) -> None:
        """Mail a link to the address; until it is used, nothing else exists."""
        ...

    def verify(self, token: str, visit: Visit) -> Admitted:
        """Make the organization and its owner. Raises RuleViolatedError `address_taken`."""
        ...

    def log_in(self, address: EmailAddress, password: str, visit: Visit) -> Admitted:
        """Begin a session."""
        ...

    def refresh(self, refresh_token: str, visit: Visit) -> Admitted:
        """The next pair of tokens; a used one ends the session."""
        ...

    def log_out(self, refresh_token: str, visit: Visit) -> None:
        """End the session of the token, whatever it is."""
        ...

    def ask_reset(self, address: EmailAddress, visit: Visit) -> None:
        """Mail a link, if the address is a user's."""
        ...

    def reset(self, token: str, password: str, visit: Visit) -> None:
        """Another password; every session of the user ends."""
        ...

    def check_password(
        self, organization_id: UUID, user_id: UUID, current: str, wanted: str, visit: Visit
    ) -> PasswordChange:
        """Of somebody who is in: what `Staff.change_password` takes; nothing changes yet.

        Raises InvalidValueError `wrong_password`, which is counted and recorded as at a log-in.
        """
        ...

    def purpose(self, token: str) -> Purpose | None:
        """What a link is for; None for a token that we did not make."""
        ...

    def accept(self, token: str, name: str, password: str, visit: Visit) -> Admitted:
        """Become a user. Raises RuleViolatedError `invitation_over`, `address_taken`."""
        ...


class Remaining(NamedTuple):
    """What somebody who was removed made for the organization and that stays in use: ids."""

    api_keys: Sequence[UUID]
    analysts: Sequence[UUID]


class Staff(Protocol):
    """What members of an organization do about each other, in the caller's transaction.

    `own`: what the caller may do; nobody gives or takes a role that allows more than that, which
    raises NotYoursToGiveError (403). Whoever is none of the organization: NotFoundError.
    """

    def invite(
        self,
        tx: CommandTransaction,
        address: EmailAddress,
        role: Role,
        own: Collection[Permission],
        meta: Meta,
    ) -> Invitation:
        """A new invitation. Raises RuleViolatedError `user_exists`."""
        ...

    def revoke_invitation(self, tx: CommandTransaction, invitation_id: UUID, meta: Meta) -> None:
        """Take it back. Raises RuleViolatedError `invitation_over`."""
        ...

    def change_role(
        self,
        tx: CommandTransaction,
        user_id: UUID,
        role: Role,
        own: Collection[Permission],
        meta: Meta,
        expected: Callable[[int], None],
    ) -> User:
        """The user with the role. `expected` may refuse the version that is there.

        Raises RuleViolatedError `last_owner`.
        """
        ...

    def remove(
        self, tx: CommandTransaction, user_id: UUID, own: Collection[Permission], meta: Meta
    ) -> Remaining:
        """The account, its sessions and the person's key are gone, and so are open invitations by
        them or a key of theirs; what they made for the organization stays.

        Raises RuleViolatedError `last_owner`.
        """
        ...

    def change_password(
        self,
        tx: CommandTransaction,
        user_id: UUID,
        session_id: UUID,
        change: PasswordChange,
        meta: Meta,
    ) -> None:
        """The new password; every session of the user but this one ends.

        Raises InvalidValueError `wrong_password` when it was changed meanwhile.
        """
        ...

    def end_session(
        self, tx: CommandTransaction, session_id: UUID, only_of: UUID | None, meta: Meta
    ) -> None:
        """End a session, of this user only if one is named."""
        ...

    def sessions(
        self, connection: Connection, user_id: UUID | None, now: datetime
    ) -> list[dict[str, Any]]:
        """Sessions that go on, of one user or of all, the last used first."""
        ...


@dataclass(frozen=True)
class People:
    """The parts together; `jwks` gives the public keys of tokens, and blocks."""

    entrance: Entrance
    staff: Staff
    tokens: AccessTokens
    jwks: Callable[[], Mapping[str, object]]
    threads: Executor
    """Where the entrance works: a crowd at it keeps nobody waiting who is in already."""

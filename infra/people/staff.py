"""What members of an organization do about each other: roles, removal, invitations, sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from api.people import PasswordChange, Remaining
from api.ports import CommandTransaction, Connection
from domain.access.permissions import Permission, Role
from domain.contact.handlers import HashAddress
from domain.contact.values import EmailAddress
from domain.organization.aggregate import Organization
from domain.organization.analyst import Analyst
from domain.people.commands import Invite
from domain.people.decisions import may_assign
from domain.people.errors import NotYoursToGiveError, wrong_current_password
from domain.people.invitation import VALID, Invitation
from domain.people.user import User
from domain.shared.errors import NotFoundError, RuleViolatedError, UnavailableError
from domain.shared.meta import Meta
from infra.keys import SubjectKeys
from infra.people import accounts, sessions
from infra.people.errands import NO_SERVER, ask
from infra.people.vault import Vault

_INVITED: Final = """
    SELECT id FROM views.invitations WHERE organization_id = %s AND status = 'open'
    ORDER BY id LIMIT 500
"""


@dataclass(frozen=True)
class PostgresStaff:
    """The Staff over the caller's transaction."""

    keys: SubjectKeys
    hash_address: HashAddress
    vault: Vault
    mails: bool
    """Whether the product has a server of its own to mail through."""

    def invite(
        self,
        tx: CommandTransaction,
        address: EmailAddress,
        role: Role,
        own: Collection[Permission],
        meta: Meta,
    ) -> Invitation:
        """A new invitation, whose mail follows as an errand.

        Whether the address is a user elsewhere shows only to whoever reads its mail.
        """
        if not self.mails:
            raise UnavailableError(NO_SERVER)
        if not may_assign(own, role):
            raise NotYoursToGiveError
        known = accounts.find(tx.connection, self.hash_address(address.normalised))
        if known.organization_id == tx.organization_id:
            raise RuleViolatedError("user_exists", "They are a user of this organization already.")
        command = Invite(uuid4(), uuid4(), address.given, role, meta.now + VALID)
        invitation = Invitation.create(command, meta)
        tx.save(invitation)
        details = {"email": address.given, "invitation_id": str(command.invitation_id)}
        ask(tx.connection, self.vault, tx.organization_id, "invitation", details, meta.now)
        return invitation

    def revoke_invitation(self, tx: CommandTransaction, invitation_id: UUID, meta: Meta) -> None:
        """Take it back, and forget the address."""
        invitation = tx.load(Invitation, invitation_id)
        invitation.revoke(meta)
        tx.save(invitation)
        self._forget(tx, [invitation.user_id])

    def change_role(
        self,
        tx: CommandTransaction,
        user_id: UUID,
        role: Role,
        own: Collection[Permission],
        meta: Meta,
        expected: Callable[[int], None],
    ) -> User:
        """The user with the role, which is in force within a second."""
        user, others = self._locked(tx, user_id, own, role)
        expected(user.version)
        user.change_role(role, others, meta)
        tx.save(user)
        accounts.set_role(tx.connection, user_id, role)
        return user

    def remove(
        self, tx: CommandTransaction, user_id: UUID, own: Collection[Permission], meta: Meta
    ) -> Remaining:
        """The account, its sessions and the person's key are gone, and nobody comes in by an
        invitation of theirs; what they made for the organization stays."""
        user, others = self._locked(tx, user_id, own)
        user.remove(others, meta)
        tx.save(user)
        accounts.remove(tx.connection, user_id)  # first: nobody logs in behind the next lines
        accounts.void_links(tx.connection, user_id)
        sessions.end_all(tx, user_id, "user_removed", meta)
        sessions.forget(tx, user_id)
        organization, person = tx.load(Organization, tx.organization_id), f"user:{user_id}"
        invitations = _open_invitations(tx, organization, person)
        for invitation in invitations:
            invitation.revoke(meta)
        tx.save(*invitations)
        self._forget(tx, [user_id, *(invitation.user_id for invitation in invitations)])
        return _remaining(tx, organization, person, meta.now)

    def _forget(self, tx: CommandTransaction, people: Iterable[UUID]) -> None:
        """Destroy their keys. Other processes, told by NOTIFY, forget them at the commit."""
        self.keys.destroy(tx.connection, [str(person) for person in people])
        tx.after_append(self.keys.forget)

    def _locked(
        self, tx: CommandTransaction, user_id: UUID, own: Collection[Permission], *roles: Role
    ) -> tuple[User, int]:
        """A user there is, and how many other owners, none of whom can leave before we commit."""
        others = accounts.other_owners(tx.connection, tx.organization_id, user_id)
        present = accounts.role_of(tx.connection, user_id)
        if present is None:
            raise NotFoundError("user")
        if not may_assign(own, present, *roles):
            raise NotYoursToGiveError
        return tx.load(User, user_id), others

    def change_password(
        self,
        tx: CommandTransaction,
        user_id: UUID,
        session_id: UUID,
        change: PasswordChange,
        meta: Meta,
    ) -> None:
        """The new password, unless the given one was changed meanwhile; a mail says so."""
        user = tx.load(User, user_id)
        user.change_password("own", meta)
        if not accounts.exchange_password(tx.connection, user_id, change.kept, change.fresh):
            raise wrong_current_password()
        tx.save(user)
        accounts.void_links(tx.connection, user_id)
        sessions.end_all(tx, user_id, "password_changed", meta, but=session_id)
        if self.mails:
            ask(tx.connection, self.vault, tx.organization_id, "password_changed",
                {"email": user.email}, meta.now)  # fmt: skip

    def end_session(
        self, tx: CommandTransaction, session_id: UUID, only_of: UUID | None, meta: Meta
    ) -> None:
        """End a session, of this user only if one is named."""
        sessions.end_one(tx, session_id, only_of, meta)

    def sessions(
        self, connection: Connection, user_id: UUID | None, now: datetime
    ) -> list[dict[str, Any]]:
        """Sessions that go on, of one user or of all."""
        return sessions.listed(connection, user_id, now)


def _open_invitations(
    tx: CommandTransaction, organization: Organization, person: str
) -> list[Invitation]:
    """Open invitations by this person, or by a key of theirs, as far as the read model has them.

    One that it does not have yet admits nobody either: who accepts is asked whether the one who
    invited is still there.
    """
    rows = tx.connection.execute(_INVITED, (tx.organization_id,)).fetchall()
    found = tx.load_many(Invitation, [UUID(invitation_id) for (invitation_id,) in rows])
    return [
        each
        for each in found.values()
        if each.status == "open" and organization.person_behind(each.invited_by) == person
    ]


def _remaining(
    tx: CommandTransaction, organization: Organization, person: str, now: datetime
) -> Remaining:
    """What this person made and that is admitted: it is the organization's, whoever leaves."""
    rows = tx.connection.execute(
        "SELECT analyst_id FROM state.analyst_secrets WHERE organization_id = %s",
        (tx.organization_id,),
    ).fetchall()
    logins = tx.load_many(Analyst, [UUID(analyst_id) for (analyst_id,) in rows])
    theirs = [
        login_id
        for login_id, login in logins.items()
        if organization.person_behind(login.created_by) == person
    ]
    return Remaining(organization.keys_in_use_of(person, now), theirs)

"""The entrance: sign-up, log-in, refresh, log-out, new passwords, invitations accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID, uuid4

from api.people import Admitted, PasswordChange, SignUp, Visit
from domain.contact.handlers import HashAddress
from domain.contact.values import EmailAddress
from domain.organization.aggregate import Organization
from domain.organization.dead_letter import INSTALLATION
from domain.people.commands import Entry, RegisterUser
from domain.people.decisions import (
    ACCESS_TOKEN,
    LOGIN_FROM_NETWORK,
    LOGIN_OF_ADDRESS,
    MAIL_FROM_NETWORK,
    MAIL_TO_ADDRESS,
    REFRESH_TOKEN,
    SIGNUP_LINK,
)
from domain.people.errors import (
    bad_link,
    bad_refresh_token,
    wrong_credentials,
    wrong_current_password,
)
from domain.people.invitation import Invitation
from domain.people.links import Link, Purpose, link_of, read_token
from domain.people.user import User
from domain.people.values import password as checked_password
from domain.shared.errors import NotFoundError, UnavailableError
from domain.shared.meta import Meta
from infra.founding import found
from infra.people import accounts, sessions
from infra.people.access_tokens import AccessTokens
from infra.people.accounts import Where
from infra.people.attempts import AttemptCounter, network_of
from infra.people.errands import NO_SERVER, ask
from infra.people.passwords import Passwords
from infra.people.sessions import Begun
from infra.people.vault import Vault
from infra.postgres import organization_transaction
from infra.transactions import CommandLog, PostgresTransaction
from streams.effects.errands import Kind

T = TypeVar("T")
ANONYMOUS: Final = "visitor"


@dataclass(frozen=True)
class PostgresEntrance:
    """The Entrance over Postgres and the event log. Thread-safe."""

    log: CommandLog
    hash_address: HashAddress
    passwords: Passwords
    attempts: AttemptCounter
    tokens: AccessTokens
    vault: Vault
    link_secret: bytes
    sandbox: bool
    """Whether new organizations get a server of the sandbox."""
    mails: bool
    """Whether the product has a server of its own to mail through."""

    # --- signing up ----------------------------------------------------------------------

    def sign_up(self, wanted: SignUp, visit: Visit) -> None:
        """Keep it sealed for a day, and mail a link."""
        self._count_mail(wanted.address, visit)
        signup_id, organization_id = uuid4(), uuid4()
        fields = {
            "email": wanted.address.given,
            "name": wanted.name,
            "organization": wanted.organization,
            "password_hash": self.passwords.hash(wanted.password),
        }
        with organization_transaction(self.log.pool, str(organization_id)) as connection:
            connection.execute(
                "INSERT INTO state.signups (signup_id, organization_id, sealed, expires_at)"
                " VALUES (%s, %s, %s, %s)",
                (
                    signup_id,
                    organization_id,
                    self.vault.seal_fields(fields, str(signup_id)),
                    visit.now + SIGNUP_LINK,
                ),
            )
            details = {"email": wanted.address.given, "signup_id": str(signup_id)}
            ask(connection, self.vault, organization_id, "signup", details, visit.now)

    def verify(self, token: str, visit: Visit) -> Admitted:
        """The organization, its owner, a default business; its server follows as an errand."""
        link = self._link(token, "signup")
        user_id = uuid4()
        where = Where(link.organization_id, user_id)
        meta = self._meta(link.organization_id, user_id, visit)

        def decide(tx: PostgresTransaction) -> Begun:
            row = tx.connection.execute(
                "DELETE FROM state.signups WHERE signup_id = %s AND expires_at > %s"
                " RETURNING sealed",
                (link.subject_id, visit.now),
            ).fetchone()
            if row is None:
                raise bad_link()
            wanted = self.vault.open_fields(row[0], str(link.subject_id))
            found(tx, wanted["organization"], meta, sandbox=self.sandbox)
            ask(tx.connection, self.vault, link.organization_id, "connect",
                {"name": wanted["organization"]}, visit.now)  # fmt: skip
            self._register(
                tx, RegisterUser(user_id, wanted["email"], wanted["name"], "owner"),
                wanted["password_hash"], meta,
            )  # fmt: skip
            return sessions.begin(tx, where, "signup", visit, meta)

        return self._admitted(link.organization_id, self._run(link.organization_id, decide))

    # --- sessions ------------------------------------------------------------------------

    def log_in(self, address: EmailAddress, password: str, visit: Visit) -> Admitted:
        """The attempt is counted before it is made, and the same is done for an unknown address."""
        of_address, of_network = self._keys("login", address, visit)
        self.attempts.take(
            {of_address: LOGIN_OF_ADDRESS, of_network: LOGIN_FROM_NETWORK}, visit.now
        )
        with self.log.pool.connection() as connection:
            where = accounts.find(connection, self.hash_address(address.normalised))
        with organization_transaction(self.log.pool, str(where.organization_id)) as connection:
            kept = accounts.password_hash(connection, where.user_id)
        if not self.passwords.matches(kept, password) or kept is None:
            self._note_failure(where, visit)
            raise wrong_credentials()
        self.attempts.forgive([of_address], [of_network])
        renewed = self.passwords.hash(password) if self.passwords.outdated(kept) else None
        return self._begin(where, "password", visit, kept, renewed)

    def _begin(
        self, where: Where, entry: Entry, visit: Visit, kept: str, renewed: str | None
    ) -> Admitted:
        meta = self._meta(where.organization_id, where.user_id, visit)

        def decide(tx: PostgresTransaction) -> Begun:
            # Changed or removed while it was checked: then it is not this user's any more.
            if not accounts.still_has(tx.connection, where.user_id, kept):
                raise wrong_credentials()
            if renewed is not None:
                accounts.set_password(tx.connection, where.user_id, renewed)
            return sessions.begin(tx, where, entry, visit, meta)

        return self._admitted(where.organization_id, self._run(where.organization_id, decide))

    def refresh(self, refresh_token: str, visit: Visit) -> Admitted:
        """What a used token leads to is committed before it is answered."""
        with self.log.pool.connection() as connection:
            place = sessions.of_token(connection, refresh_token)
        if place is None:
            raise bad_refresh_token()
        organization_id, session_id = place
        meta = self._meta(organization_id, None, visit)
        begun = self._run(
            organization_id,
            lambda tx: sessions.rotate(tx, session_id, refresh_token, visit, meta),
        )
        if isinstance(begun, str):
            raise bad_refresh_token()
        return self._admitted(organization_id, begun)

    def log_out(self, refresh_token: str, visit: Visit) -> None:
        """End the token's session; a token of none is as good as logged out."""
        with self.log.pool.connection() as connection:
            place = sessions.of_token(connection, refresh_token)
        if place is None:
            return
        meta = self._meta(place.organization_id, None, visit)
        self._run(
            place.organization_id,
            lambda tx: sessions.end(tx, place.session_id, "logged_out", meta),
        )

    # --- passwords -----------------------------------------------------------------------

    def ask_reset(self, address: EmailAddress, visit: Visit) -> None:
        """An errand in any case: whose address it is, if anybody's, is looked up there."""
        self._count_mail(address, visit)
        self._ask(INSTALLATION, "reset", {"email": address.given}, visit)

    def reset(self, token: str, password: str, visit: Visit) -> None:
        """All links of this user are used up by the first."""
        link = self._link(token, "reset")
        checked_password(password)
        fresh = self.passwords.hash(password)

        def decide(tx: PostgresTransaction) -> str:
            row = tx.connection.execute(
                "DELETE FROM state.password_resets WHERE reset_id = %s AND expires_at > %s"
                " RETURNING user_id",
                (link.subject_id, visit.now),
            ).fetchone()
            if row is None:
                raise bad_link()
            user_id = UUID(row[0])
            meta = self._meta(link.organization_id, user_id, visit)
            user = tx.load(User, user_id)
            user.change_password("reset", meta)
            tx.save(user)
            accounts.set_password(tx.connection, user_id, fresh)
            accounts.void_links(tx.connection, user_id)
            sessions.end_all(tx, user_id, "password_reset", meta)
            ask(tx.connection, self.vault, link.organization_id, "password_changed",
                {"email": user.email}, visit.now)  # fmt: skip
            return user.email

        address = EmailAddress.parse(self._run(link.organization_id, decide))
        self.attempts.forgive([self.attempts.key("login", address.normalised)])

    def check_password(
        self, organization_id: UUID, user_id: UUID, current: str, wanted: str, visit: Visit
    ) -> PasswordChange:
        """The attempt is counted before it is made; hashing takes no connection."""
        checked_password(wanted)
        attempt = self.attempts.key("password", str(user_id))
        self.attempts.take({attempt: LOGIN_OF_ADDRESS}, visit.now)
        with organization_transaction(self.log.pool, str(organization_id)) as connection:
            kept = accounts.password_hash(connection, user_id)
        if not self.passwords.matches(kept, current) or kept is None:
            self._note_failure(Where(organization_id, user_id), visit)
            raise wrong_current_password()
        self.attempts.forgive([attempt])
        return PasswordChange(kept, self.passwords.hash(wanted))

    # --- invitations ---------------------------------------------------------------------

    def accept(self, token: str, name: str, password: str, visit: Visit) -> Admitted:
        """The invitation's address becomes a user."""
        link = self._link(token, "invitation")
        checked_password(password)
        fresh = self.passwords.hash(password)

        def decide(tx: PostgresTransaction) -> Begun:
            try:
                invitation = tx.load(Invitation, link.subject_id)
            except NotFoundError:
                raise bad_link() from None
            meta = self._meta(link.organization_id, invitation.user_id, visit)
            behind = tx.load(Organization, tx.organization_id).person_behind(invitation.invited_by)
            role = invitation.accept(meta, inviter_left=accounts.has_left(tx.connection, behind))
            tx.save(invitation)
            command = RegisterUser(
                invitation.user_id, invitation.email, name, role, link.subject_id
            )
            self._register(tx, command, fresh, meta)
            where = Where(link.organization_id, invitation.user_id)
            return sessions.begin(tx, where, "invitation", visit, meta)

        return self._admitted(link.organization_id, self._run(link.organization_id, decide))

    # --- what they share -----------------------------------------------------------------

    def _register(
        self, tx: PostgresTransaction, command: RegisterUser, password: str, meta: Meta
    ) -> None:
        address_hmac = self.hash_address(EmailAddress.parse(command.email).normalised)
        where = Where(meta.organization_id, command.user_id)
        accounts.add(tx.connection, where, address_hmac, command.role, password)
        tx.save(User.register(command, meta))

    def _admitted(self, organization_id: UUID, begun: Begun) -> Admitted:
        return Admitted(
            organization_id,
            begun.user_id,
            begun.session_id,
            self.tokens.issue(organization_id, begun.user_id, begun.session_id),
            int(ACCESS_TOKEN.total_seconds()),
            begun.refresh_token,
            int(REFRESH_TOKEN.total_seconds()),
        )

    def purpose(self, token: str) -> Purpose | None:
        """What a link is for; whether it may still be used shows when it is."""
        link = link_of(self.link_secret, token)
        return link.purpose if link else None

    def _link(self, token: str, purpose: Purpose) -> Link:
        link = read_token(self.link_secret, token, purpose)
        if link is None:
            raise bad_link()
        return link

    def _keys(self, kind: str, address: EmailAddress, visit: Visit) -> tuple[bytes, bytes]:
        key = self.attempts.key
        return key(kind, address.normalised), key(f"{kind}/network", network_of(visit.host))

    def _count_mail(self, address: EmailAddress, visit: Visit) -> None:
        if not self.mails:
            raise UnavailableError(NO_SERVER)
        of_address, of_network = self._keys("mail", address, visit)
        self.attempts.take({of_address: MAIL_TO_ADDRESS, of_network: MAIL_FROM_NETWORK}, visit.now)

    def _note_failure(self, where: Where, visit: Visit) -> None:
        details = {"user_id": str(where.user_id), "organization_id": str(where.organization_id)}
        self._ask(INSTALLATION, "login_failed", details, visit)

    def _ask(
        self, organization_id: UUID, kind: Kind, details: dict[str, str], visit: Visit
    ) -> None:
        with organization_transaction(self.log.pool, str(organization_id)) as connection:
            ask(connection, self.vault, organization_id, kind, details, visit.now)

    def _run(self, organization_id: UUID, decide: Callable[[PostgresTransaction], T]) -> T:
        return self.log.run(organization_id, decide)[0]

    @staticmethod
    def _meta(organization_id: UUID, user_id: UUID | None, visit: Visit) -> Meta:
        actor = f"user:{user_id}" if user_id else ANONYMOUS
        return Meta(organization_id, actor, visit.correlation_id, visit.correlation_id, visit.now)

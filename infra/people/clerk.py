"""What errands are about: whom a mail goes to, what it says, what a failure becomes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from domain.contact.handlers import HashAddress
from domain.contact.values import EmailAddress
from domain.organization.aggregate import Organization
from domain.people.decisions import RESET_LINK
from domain.people.invitation import Invitation
from domain.people.links import Link, make_token
from domain.people.mails import Mail, mail
from domain.people.session import FailedLogin
from domain.ports import Clock
from domain.shared.meta import Meta
from infra.founding import OWN_SERVER, connection, sandbox_server, server_token
from infra.people import accounts
from infra.people.accounts import UNKNOWN
from infra.settings import Settings
from infra.transactions import CommandLog, PostgresTransaction
from streams.effects.errands import Errand
from streams.effects.ports import ProviderAwayError, Sending

ACTOR: Final = "system:effects"
_RESET: Final = """
    INSERT INTO state.password_resets (reset_id, organization_id, user_id, expires_at)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class LoggedClerk:
    """The Clerk over the event log. Thread-safe."""

    log: CommandLog
    hash_address: HashAddress
    link_secret: bytes
    settings: Settings
    postmark_url: str
    clock: Clock

    def message(self, errand: Errand, stream: str) -> Mapping[str, Any] | None:
        """The mail as Postmark takes it; looking its id up again finds it there."""
        made = self._mail(errand)
        if made is None:
            return None
        return {
            "From": self.settings.postmark_system_sender,
            "To": errand.details["email"],
            "Subject": made.subject,
            "TextBody": made.text,
            "HtmlBody": made.html,
            "Tag": errand.kind,
            "Metadata": {"delivery_id": errand.errand_id, "batch_id": errand.errand_id},
            "TrackOpens": False,
            "TrackLinks": "None",
            "MessageStream": stream,
        }

    def _mail(self, errand: Errand) -> Mail | None:
        match errand.kind:
            case "signup":
                if self._account(errand) != UNKNOWN:
                    return mail("known_already")
                signup_id = UUID(errand.details["signup_id"])
                link = Link("signup", UUID(errand.organization_id), signup_id)
                return mail("signup", self._url(link))
            case "reset":
                return self._reset(errand)
            case "invitation":
                return self._invitation(errand)
            case "password_changed":
                return mail("password_changed")
        return None

    def _reset(self, errand: Errand) -> Mail | None:
        where = self._account(errand)
        if where == UNKNOWN:
            return None
        reset_id = UUID(errand.errand_id)
        until = self.clock() + RESET_LINK
        with self.log.pool.connection() as connection:
            connection.execute(_RESET, (reset_id, where.organization_id, where.user_id, until))
        return mail("reset", self._url(Link("reset", where.organization_id, reset_id)))

    def _invitation(self, errand: Errand) -> Mail | None:
        organization_id = UUID(errand.organization_id)
        invitation_id = UUID(errand.details["invitation_id"])

        def look(tx: PostgresTransaction) -> tuple[Invitation, Organization]:
            return tx.load(Invitation, invitation_id), tx.load(Organization, organization_id)

        (invitation, organization), _ = self.log.run(organization_id, look)
        if invitation.status != "open":
            return None
        link = self._url(Link("invitation", organization_id, invitation_id))
        return mail("invitation", link, organization.name)

    def _account(self, errand: Errand) -> accounts.Where:
        address = EmailAddress.parse(errand.details["email"]).normalised
        with self.log.pool.connection() as connection:
            return accounts.find(connection, self.hash_address(address))

    def _url(self, link: Link) -> str:
        base = (self.settings.public_url or self.settings.base_url).rstrip("/")
        return f"{base}/a/{make_token(self.link_secret, link)}"

    def note_failure(self, errand: Errand) -> None:
        """One event, whose id is the errand's: doing it again finds it there."""
        user_id = UUID(errand.details["user_id"])
        if user_id == accounts.NOBODY:
            return
        organization_id = UUID(errand.details["organization_id"])
        failure_id = UUID(errand.errand_id)

        def note(tx: PostgresTransaction) -> None:
            if not tx.load_many(FailedLogin, [failure_id]):
                tx.save(FailedLogin.note(failure_id, user_id, self._meta(organization_id)))

        self.log.run(organization_id, note)

    def connect(self, errand: Errand) -> None:
        """Its own server in the sandbox, or the configured one; without one nothing is done."""
        organization_id = UUID(errand.organization_id)
        try:
            token = server_token(
                self.settings, self.postmark_url, errand.details["name"], organization_id
            )
        except httpx.HTTPError as error:
            raise ProviderAwayError(str(error)) from error
        if token is None:
            return

        def connect(tx: PostgresTransaction) -> None:
            organization = tx.load(Organization, organization_id)
            if organization.postmark is None:
                organization.connect_postmark(connection(token), self._meta(organization_id))
                tx.save(organization)

        self.log.run(organization_id, connect)

    def _meta(self, organization_id: UUID) -> Meta:
        request = uuid4()
        return Meta(organization_id, ACTOR, request, request, self.clock())


@dataclass
class SystemServer:
    """The product's own server: the configured one, or one that the sandbox keeps for it."""

    settings: Settings
    postmark_url: str
    _token: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sending(self) -> Sending:
        """Through its transactional stream. Raises ProviderAwayError while there is none."""
        return Sending(
            organization_id="",
            server_token=self._found(),
            stream="outbound",
            transactional_stream="outbound",
            handling="None",
            webhook_username="",
            webhook_password="",
            version=0,
        )

    def _found(self) -> str:
        given = self.settings.postmark_system_token
        if given is not None:
            return given.get_secret_value()
        if self.settings.postmark_url is not None:
            raise ProviderAwayError("NUDGE_POSTMARK_SYSTEM_TOKEN is not set")
        with self._lock:
            if self._token is None:
                try:
                    self._token = sandbox_server(self.postmark_url, OWN_SERVER)
                except httpx.HTTPError as error:
                    raise ProviderAwayError(str(error)) from error
            return self._token

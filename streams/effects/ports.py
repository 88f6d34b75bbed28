"""What the effect workers need from outside: the ledger of deliveries, and the mail provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol

from domain.campaign.values import Content
from domain.delivery.decisions import BatchOutcome, Call, Policy

Kind = Literal["campaign", "test"]


class ProviderAwayError(Exception):
    """The provider cannot answer just now; asking again later is right."""


class ProviderRefusedError(Exception):
    """The provider says no (a 4xx) and will say it again; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Lane(NamedTuple):
    """Work that waits: intended deliveries of one campaign, or its test mails."""

    organization_id: str
    campaign_id: str
    kind: Kind


class Route(NamedTuple):
    """The way of a batch to the provider; only there it can be looked up.

    `connection`: the organization's connection, by its place in the organization's events, 0 for
    the newest; `stream`: of the provider, whose searches are within one.
    """

    connection: int
    stream: str


@dataclass(frozen=True, slots=True)
class Sending:
    """How an organization sends campaigns.

    `handling` says who makes the unsubscribe link of `stream` (Postmark, Custom, None); it is
    None as long as the stream's webhook is not registered, and nothing may be sent before.
    """

    organization_id: str
    server_token: str
    stream: str
    transactional_stream: str
    handling: str | None
    webhook_username: str
    webhook_password: str
    version: int
    """Of the organization's last event, for caches."""
    connection: int = 0

    @property
    def route(self) -> Route:
        """The way of campaigns."""
        return Route(self.connection, self.stream)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One claimed delivery: where it goes and what the mail may say of the person."""

    delivery_id: str
    step: int
    contact_id: str
    email: str
    address_hmac: bytes
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Claim:
    """Deliveries that this process alone may hand over until the lease ends.

    `looked_at` counts those withheld too: 0 means that nothing was there to claim.
    """

    batch_id: str
    lane: Lane
    content_hash: str
    recipients: tuple[Recipient, ...]
    looked_at: int


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch whose outcome is unknown, now due to be looked up. `age`: since it was claimed."""

    batch_id: str
    organization_id: str
    lookups: int
    route: Route
    age: timedelta = field(default=timedelta(), compare=False)


@dataclass(frozen=True, slots=True)
class CampaignContent:
    """What was approved, and of which type the campaign is."""

    campaign_type: str
    content: Content


class Ledger(Protocol):
    """The send ledger. Each method is one transaction, blocks, and is safe to call again.

    Raises psycopg.OperationalError or the like when the store is away; nothing is left half done.
    """

    def waiting(self) -> Sequence[Lane]:
        """Where something may be claimed now: running campaigns, and test mails."""
        ...

    def claim(self, lane: Lane, route: Route, limit: int) -> Claim:
        """Take at most `limit` deliveries under a new lease; withhold who must not be mailed.

        They are handed over on this route.
        """
        ...

    def hand_over(self, batch_id: str) -> bool:
        """Note that the call starts now; False when the lease no longer outlasts it."""
        ...

    def record(self, claim: Claim, outcome: BatchOutcome) -> None:
        """What became of each delivery, in order of the claim's recipients.

        One whose fate became known otherwise meanwhile is left as it is.
        """
        ...

    def expire(self) -> int:
        """End leases that are over: never handed over -> intended again, else ambiguous.

        How many batches that were.
        """
        ...

    def due_lookups(self) -> Sequence[OpenBatch]:
        """Ambiguous batches whose time to be looked up has come."""
        ...

    def record_lookup(
        self, batch: OpenBatch, found: Mapping[str, str], policy: Policy, again_after: timedelta
    ) -> None:
        """What a look-up found: message ids by delivery id. The next one is `again_after`."""
        ...

    def postpone(self, batch: OpenBatch, delay: timedelta) -> None:
        """Look this batch up later: the provider could not answer."""
        ...

    def hold(self, batch: OpenBatch) -> None:
        """Nobody will ever tell what became of it: a person decides about each delivery."""
        ...


class Senders(Protocol):
    """How organizations send."""

    def sending(self, organization_id: str) -> Sending | None:
        """The newest connection; None when there is none."""
        ...

    def sent_by(self, organization_id: str, route: Route) -> Sending | None:
        """The connection and stream of a route, also after another server was connected."""
        ...


class Contents(Protocol):
    """What campaigns say."""

    def content(self, lane: Lane, content_hash: str) -> CampaignContent:
        """The content with this hash, which is some version of the campaign."""
        ...


class MailProvider(Protocol):
    """The provider's calls for sending."""

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        """Hand a batch over, once. Never raises for what the provider or the network does."""
        ...

    def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
        """Message ids by delivery id of a batch sent through this stream and server.

        Raises ProviderAwayError; ProviderRefusedError when the server lets nobody in any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Registered:
    """Our webhook on one stream. `handling`: who makes the unsubscribe link there."""

    stream: str
    webhook_id: str
    handling: str


class WebhookProvider(Protocol):
    """The provider's calls for registering webhooks."""

    def register(self, sending: Sending, url: str) -> Sequence[Registered]:
        """Let both streams post everything to `url`; again changes nothing.

        Raises ProviderAwayError, ProviderRefusedError.
        """
        ...


class RegistrationTask(NamedTuple):
    """A connection whose webhooks are to be registered. `version` is that of its event."""

    organization_id: str
    version: int
    attempts: int


class Registrations(Protocol):
    """Registrations still to be made."""

    def take(self) -> RegistrationTask | None:
        """One that is due, for a minute this caller's alone; None when there is none."""
        ...

    def record(self, task: RegistrationTask, registered: Iterable[Registered]) -> None:
        """The provider accepted."""
        ...

    def record_failure(self, task: RegistrationTask, code: str, detail: str) -> None:
        """The provider refused; a person has to look."""
        ...

    def postpone(self, task: RegistrationTask, delay: timedelta) -> None:
        """Try again after the delay."""
        ...

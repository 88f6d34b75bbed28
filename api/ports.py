"""What the API needs from outside: commands, reads, and whatever pushes news to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, TypeVar
from uuid import UUID

import psycopg

from domain.contact.handlers import ContactTransaction, HashAddress
from domain.contact.tabular import Rejection
from domain.delivery.decisions import Decision
from domain.delivery.states import State
from domain.ports import Clock, NewId
from domain.shared.aggregate import Root
from domain.shared.errors import DomainError
from domain.shared.meta import Meta
from schemas.codec import Event
from schemas.positions import Positions

if TYPE_CHECKING:
    from api.people import People  # it builds on this module

Connection = psycopg.Connection[tuple[Any, ...]]
A = TypeVar("A", bound=Root)
T = TypeVar("T")


class KeyReusedError(DomainError):
    """The same Idempotency-Key came with another request."""

    def __init__(self) -> None:
        super().__init__(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request; make a new one.",
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers: HTTP status, JSON body, headers. A secret is answered once."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False


class CommandTransaction(ContactTransaction, Protocol):
    """The domain's transaction, with the connection for look-ups that decide."""

    @property
    def connection(self) -> Connection: ...

    def load_many(self, kind: type[A], identities: Iterable[UUID]) -> dict[UUID, A]:
        """Several aggregates in one look-up; those that are not there are left out."""
        ...


class Commands(Protocol):
    """Carries commands out; blocks, so endpoints call it in a thread."""

    def run_once(
        self,
        organization_id: UUID,
        key: str | None,
        request_hash: bytes,
        decide: Callable[[CommandTransaction], Answer],
    ) -> tuple[Answer, bool]:
        """The answer, with the header Nudge-Position, and whether it is an earlier one again."""
        ...

    def earlier(self, organization_id: UUID, key: str, request_hash: bytes) -> Answer | None:
        """The kept answer of a request that takes more than one transaction, if there is one."""
        ...

    def keep(self, organization_id: UUID, key: str, request_hash: bytes, answer: Answer) -> None:
        """Keep the answer of such a request."""
        ...

    def alone(self, organization_id: UUID, key: str) -> AbstractContextManager[bool]:
        """Whether nobody else is carrying out such a request with this key; held inside."""
        ...


class HeldDeliveries(Protocol):
    """The send ledger, as far as a person decides about it."""

    def decide(
        self, tx: CommandTransaction, delivery_id: UUID, decision: Decision, meta: Meta
    ) -> State:
        """Release or close a held delivery, in the caller's transaction; its new state.

        Raises NotFoundError, and RuleViolatedError `not_held` or `campaign_cancelled`.
        """
        ...


class Unsubscription(NamedTuple):
    """Somebody used the link in a mail. `contact_id`: whom the delivery is of.

    `address_hmac` is the address that the mail went to, if the link says it.
    """

    contact_id: UUID
    delivery_id: UUID
    address_hmac: bytes | None


class Unsubscriptions(Protocol):
    """The send ledger, as far as the person who got the mail has a say."""

    def record(self, tx: CommandTransaction, said: Unsubscription, meta: Meta) -> None:
        """Whoever got the mail wants no more, in force when the caller's transaction commits.

        The address it went to is silenced, whoever's it is now, and so is the contact, whatever
        address it has now: what a move after the click would have left. The delivery tells of it
        once. Locks the delivery first, then who may be mailed, as a claim does.
        """
        ...


class Reads(Protocol):
    """Read models. Each block is one transaction that sees one organization."""

    def of(self, organization_id: str) -> AbstractContextManager[Connection]: ...

    def anonymous(self) -> AbstractContextManager[Connection]:
        """A transaction of no organization: only look-ups that return ids."""
        ...


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """One import: whose, by whom, of what kind, and who vouches for consent, if somebody does."""

    meta: Meta
    content_type: str
    import_id: UUID
    attested_source: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is; the last one has every line."""

    lines: int
    added: int
    changed: int
    unchanged: int
    rejected: int
    positions: Positions


class Imports(Protocol):
    """Contacts from a file. Blocks; one bad line never loses the others."""

    def run(
        self, spool: BinaryIO, order: ImportOrder, stop: Callable[[], bool]
    ) -> Iterator[Progress | Rejection]:
        """Progress after each chunk, and every rejected line, in order.

        Raises InvalidValueError for a file that is no table at all, before anything is stored.
        """
        ...


class Erasures(Protocol):
    """Forgets people for good. Blocks."""

    def erase(self, organization_id: UUID, contact_id: UUID, meta: Meta) -> Answer:
        """200 with the signed certificate. Raises NotFoundError, RuleViolatedError
        `contact_erased`, and UnavailableError before anything is done when it could not be
        certified."""
        ...

    def certificate(self, organization_id: UUID, contact_id: UUID) -> Mapping[str, Any] | None:
        """The certificate of an erasure in this organization."""
        ...


class Departures(Protocol):
    """Organizations that leave for good. Blocks."""

    def delete(self, organization_id: UUID, meta: Meta) -> Answer:
        """200 with the signed certificate: every key destroyed, every row gone.

        Raises RuleViolatedError `organization_deleted`, and UnavailableError before anything is
        done when it could not be certified.
        """
        ...


class Analytics(Protocol):
    """Numbers from the analytics store. Blocks. Raises UnavailableError when it is away."""

    def campaign(self, organization_id: str, campaign_id: str) -> dict[str, Any]:
        """A campaign's metrics, the same by step, and withheld by reason."""
        ...

    def report(self, organization_id: str, start: datetime, end: datetime) -> dict[str, Any]:
        """What happened from `start` until before `end` (aware)."""
        ...


class Readiness(Protocol):
    """Whether the stores answer: name -> None when well, else one line why not. Blocks."""

    def needed(self) -> Mapping[str, str | None]:
        """Without these no request can be carried out."""
        ...

    def all(self) -> Mapping[str, str | None]:
        """Every store the product works with."""
        ...


class WebhookCredentials(Protocol):
    """Whose webhooks present this user name and password; compared in constant time."""

    def known(self, username: str, password: str) -> str | None:
        """From memory: never blocks, works while Postgres is away."""
        ...

    async def looked_up(self, username: str, password: str) -> str | None:
        """After reading all credentials again. Raises UnavailableError, at the latest after some
        seconds; many who ask at once cost as much as one."""
        ...


class WebhookIntake(Protocol):
    """Where raw webhooks go before anybody understands them."""

    async def put(self, organization_id: str, body: bytes) -> None:
        """Returns once all replicas have it. Raises UnavailableError; then it may be there."""
        ...


class Bell(Protocol):
    """Rings when there is news about what is watched."""

    async def wait(self, seconds: float) -> bool:
        """Until it rings, at most so long; whether it rang. It may ring without news."""
        ...


class Ears(Bell, Protocol):
    """A bell that can be told to ring for more; `subjects` are the ids it rings for."""

    @property
    def subjects(self) -> Collection[str]: ...

    def also(self, subject: str) -> None:
        """Ring for this id too, until the watch ends."""
        ...


class News(Protocol):
    """What others append, as it becomes public. It may come late, and be lost in a restart."""

    def watch(self, *subjects: str) -> AbstractContextManager[Ears]:
        """A bell for these ids: of conversations (replies) and campaigns (changes, deliveries).

        Look at Postgres after registering and again after each ring: a bell carries nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one WebSocket connection may do. Times are seconds."""

    message_bytes: int
    messages_per_second: int
    heartbeat: float
    idle: float
    connections: int


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How fast one may ask, by whom it counts: `100/second;2000/minute`, or `off`."""

    key: str
    user: str
    organization: str
    address: str


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """A body has `wait` seconds to come, and one more for every `pace` bytes that are there."""

    wait: float
    pace: int


class KeyTraffic(Protocol):
    """API keys beside their requests: uses to be written down, and news of changed keys."""

    def used(self, organization_id: UUID, key_id: UUID, now: datetime) -> None:
        """Note a use, in memory; it is written down within seconds. Never blocks."""
        ...

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this, from another thread, whenever a key may have been made, replaced or revoked
        on any replica."""
        ...


@dataclass(frozen=True)
class Services:
    """Everything the API is given. Tests hand in what they need."""

    commands: Commands
    held: HeldDeliveries
    unsubscriptions: Unsubscriptions
    reads: Reads
    readiness: Readiness
    clock: Clock
    new_id: NewId
    decode_events: Callable[[Connection, Sequence[tuple[bytes, int]], bool], list[Event]]
    """(connection, (bytes, position) pairs, unsealed?) -> decoded events."""
    prove_event: Callable[[Connection, int], Mapping[str, Any]]
    """(connection, position) -> the proof that the event is in the signed tree.

    Raises UnavailableError, which says why, while no signed head covers it.
    """
    hash_address: HashAddress
    imports: Imports
    erasures: Erasures
    departures: Departures
    analytics: Analytics
    public_url: str
    """Where others reach the API, without a slash at the end and without `/v1`."""
    webhook_credentials: WebhookCredentials
    webhook_intake: WebhookIntake
    unsubscribe_secret: bytes
    """What the tokens of unsubscribe links are made with."""
    news: News
    sockets: SocketLimits
    rates: RateLimits
    bodies: BodyLimits
    key_traffic: KeyTraffic
    cors_origins: Sequence[str]
    """Whose pages may call the API from a browser; none by default."""
    running: Callable[[], AbstractAsyncContextManager[None]]
    """What runs beside the endpoints while the application does."""
    people: People
    """Who works with the product: the entrance, their tokens, their accounts."""

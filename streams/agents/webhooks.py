"""Webhooks in a transaction: matched to the ledger, recorded once, acted on for the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from domain.delivery.states import State, is_possible
from projections.batch import Batch
from streams.agents.addresses import Addresses, Heard
from streams.agents.ports import Fact, Place, WorkerTransaction
from streams.steps.gaps import provider_day
from streams.steps.webhooks import Observation, UnreadableWebhookError, understand

TOPIC: Final = "postmark-webhooks"
_UNKNOWN_BATCH: Final = str(UUID(int=0))
_ORIGINS: Final = UUID("7c0c1f5e-2d0b-4f0e-9a39-6b3f2d1f8e55")

_LEDGER = """
    SELECT delivery_id, organization_id, campaign_id, step, contact_id, kind, state, version,
           batch_id, mailbox_provider, message_id, correlation_id
    FROM state.sends
    WHERE delivery_id = ANY(%s::uuid[])
       OR (organization_id = ANY(%s::uuid[]) AND message_id = ANY(%s::text[]))
    ORDER BY delivery_id FOR UPDATE
"""
_NEW = """
    INSERT INTO state.webhook_seen (organization_id, key)
    SELECT o, k FROM unnest(%s::uuid[], %s::bytea[]) AS u (o, k) ORDER BY o, k
    ON CONFLICT DO NOTHING RETURNING organization_id, key
"""
_COUNT = """
    INSERT INTO state.webhook_counts AS known (organization_id, kind, day, heard)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::date[], %s::bigint[])
    ON CONFLICT (organization_id, kind, day) DO UPDATE SET heard = known.heard + excluded.heard
"""
_STORE = """
    UPDATE state.sends s SET state = u.s, version = u.v, message_id = u.m
    FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::text[]) AS u (d, s, v, m)
    WHERE s.delivery_id = u.d
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A webhook that came in. `origin` is where its raw bytes are: topic:partition:offset."""

    organization_id: str
    origin: str
    body: bytes
    received_at: datetime
    observation: Observation

    @property
    def cause(self) -> str:
        """The id that events name as their cause."""
        return str(uuid5(_ORIGINS, self.origin))

    @property
    def place(self) -> Place:
        """Under what it is heard once."""
        return self.organization_id, self.observation.key

    @property
    def of_nothing(self) -> bool:
        """Whether it is about no message: somebody changed a subscription by hand."""
        return not (self.observation.message_id or self.observation.delivery_id)


@dataclass(slots=True)
class Send:
    """A locked row of the ledger, changed as facts about it are recorded."""

    delivery_id: str
    organization_id: str
    campaign_id: str
    step: int
    contact_id: str
    kind: str
    state: State
    version: int
    batch_id: str | None
    mailbox_provider: str | None
    message_id: str | None
    correlation_id: str

    def fact(self, event_type: str, data: Mapping[str, Any], cause: str) -> Fact:
        """The next event of this delivery."""
        self.version += 1
        return Fact(
            event_type,
            self.delivery_id,
            self.version,
            {
                "campaign_id": self.campaign_id,
                "step": self.step,
                "contact_id": self.contact_id,
                "kind": self.kind,
                "mailbox_provider": self.mailbox_provider,
                **data,
            },
            self.organization_id,
            self.correlation_id,
            cause,
        )


def arrivals_of(batch: Batch) -> list[Arrival]:
    """The webhooks of a batch. Raises UnreadableWebhookError for one that cannot be understood."""
    return [
        arrival(record.value, record.headers, f"{record.topic}:{record.partition}:{record.offset}")
        for record in batch.records
    ]


def arrival(body: bytes, headers: Mapping[str, bytes], origin: str) -> Arrival:
    """One webhook from its raw body and headers."""
    try:
        organization = str(UUID(headers["organization"].decode()))
        received_at = datetime.fromisoformat(headers["received_at"].decode())
    except (KeyError, ValueError) as error:
        raise UnreadableWebhookError(f"bad headers: {error}") from None
    return Arrival(organization, origin, body, received_at, understand(body, received_at))


def absorb(
    tx: WorkerTransaction, arrivals: Sequence[Arrival], addresses: Addresses
) -> list[Arrival]:
    """Record what is news, act on addresses; returns those whose message nobody knows.

    Several posts of one observation, in any order, leave what one leaves.
    """
    matched = _match(tx, arrivals)
    known = [(each, send) for each, send in zip(arrivals, matched, strict=True) if send]
    new = _unseen(tx, [e for e, s in zip(arrivals, matched, strict=True) if s or e.of_nothing])
    heard = [_heard(a, s, news=a.place in new) for a, s in zip(arrivals, matched, strict=True)]
    tx.add(*_facts(tx, known, new))
    _store(tx, {send.delivery_id: send for _, send in known}.values())
    addresses.hear(tx, heard)
    return [
        each
        for each, send in zip(arrivals, matched, strict=True)
        if send is None and not each.of_nothing
    ]


def _heard(each: Arrival, send: Send | None, *, news: bool) -> Heard:
    """`news`: it was not heard before, so it is about the contact too, whose mail it was."""
    seen = each.observation
    correlation = send.correlation_id if send else each.cause
    return Heard(
        each.organization_id, seen.recipient, seen.sign, seen.at,
        send.delivery_id if send else None, correlation, each.cause,
        send.contact_id if send and news else None,
    )  # fmt: skip


def _match(tx: WorkerTransaction, arrivals: Sequence[Arrival]) -> list[Send | None]:
    """The ledger row of each, locked: by our own id first, else by Postmark's; only one's own."""
    rows = tx.connection.execute(
        _LEDGER,
        (
            [a.observation.delivery_id for a in arrivals if a.observation.delivery_id],
            sorted({a.organization_id for a in arrivals}),
            [a.observation.message_id for a in arrivals if a.observation.message_id],
        ),
    ).fetchall()
    sends = [Send(*row) for row in rows]
    by_id = {(send.organization_id, send.delivery_id): send for send in sends}
    by_message = {(send.organization_id, send.message_id): send for send in sends}
    return [
        by_id.get((a.organization_id, a.observation.delivery_id or ""))
        or (a.observation.message_id and by_message.get(
            (a.organization_id, a.observation.message_id)
        ))
        or None
        for a in arrivals
    ]  # fmt: skip


def _facts(
    tx: WorkerTransaction, known: Sequence[tuple[Arrival, Send]], new: set[Place]
) -> list[Fact]:
    erased = _erased(tx, known)
    facts: list[Fact] = []
    for each, send in known:
        if each.place in new:
            new.discard(each.place)
            facts += _observed(each, send, sealable=send.contact_id not in erased)
    return facts


def _observed(each: Arrival, send: Send, *, sealable: bool) -> list[Fact]:
    """Acceptance, when this is what proves it, then what was observed.

    What nobody's key can seal any more is not recorded: the person was erased.
    """
    seen, facts = each.observation, []
    if seen.message_id and send.state != "accepted" and _accepts(send):
        send.batch_id = send.batch_id or seen.batch_id or _UNKNOWN_BATCH
        send.state, send.message_id = "accepted", seen.message_id
        proof = {"batch_id": send.batch_id, "message_id": seen.message_id, "via": "webhook"}
        facts.append(send.fact("DeliveryAccepted", proof, each.cause))
    if send.state == "accepted" and (sealable or seen.event not in ("Opened", "Clicked")):
        facts.append(send.fact(seen.event, seen.data, each.cause))
    return facts


def _accepts(send: Send) -> bool:
    return is_possible(send.state, "DeliveryAccepted")


def _unseen(tx: WorkerTransaction, arrivals: Sequence[Arrival]) -> set[Place]:
    """The places of those not heard before, which are heard and counted now."""
    by_place = {each.place: each.observation for each in arrivals}
    places = sorted(by_place)
    rows = tx.connection.execute(
        _NEW, ([place[0] for place in places], [place[1] for place in places])
    ).fetchall()
    new = {(organization, bytes(key)) for organization, key in rows}
    counts = Counter((p[0], by_place[p].kind, provider_day(by_place[p].at)) for p in new)
    if counts:
        ordered = sorted(counts)
        columns = [list(column) for column in zip(*ordered, strict=True)]
        tx.connection.execute(_COUNT, (*columns, [counts[each] for each in ordered]))
    return new


def _erased(tx: WorkerTransaction, known: Sequence[tuple[Arrival, Send]]) -> set[str]:
    sealed = {s.contact_id for a, s in known if a.observation.event in ("Opened", "Clicked")}
    return tx.erased(sealed) if sealed else set()


def _store(tx: WorkerTransaction, sends: Iterable[Send]) -> None:
    ordered = sorted(sends, key=lambda send: send.delivery_id)
    if ordered:
        tx.connection.execute(
            _STORE,
            (
                [send.delivery_id for send in ordered],
                [send.state for send in ordered],
                [send.version for send in ordered],
                [send.message_id for send in ordered],
            ),
        )

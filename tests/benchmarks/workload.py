"""The events of campaigns that are being sent, as the log would hold them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from infra.event_log import NewEvent
from schemas.codec import Codec
from schemas.registry import Registry, default_registry

ORGANIZATION = str(UUID(int=7))
_BEGAN = 1_767_600_000_000_000  # microseconds
_CONTACTS, _CHUNK = 2_000, 500
_KEY = b"k" * 32


class _SameKey(Mapping[str, bytes]):
    """A key for everybody."""

    def __getitem__(self, subject: str) -> bytes:
        return _KEY

    def __contains__(self, subject: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def delivery_events(count: int, seed: int = 1, registry: Registry | None = None) -> list[NewEvent]:
    """So many events of deliveries, in the order in which a sender and webhooks make them.

    A campaign has 2,000 contacts: all intended, then claimed and accepted in batches of 500, then
    delivered in any order, and four in ten opened. `registry`: other schemas than the product's.
    """
    maker = _Maker(random.Random(seed), registry)
    campaigns = (maker.campaign() for _ in itertools.count())
    return list(itertools.islice(itertools.chain.from_iterable(campaigns), count))


def intended(count: int, seed: int = 1) -> list[NewEvent]:
    """So many deliveries that begin, each a stream of its own."""
    maker = _Maker(random.Random(f"intended {seed}"))
    return [maker.intended() for _ in range(count)]


class _Maker:
    def __init__(self, rng: random.Random, registry: Registry | None = None) -> None:
        self._rng = rng
        nonces = random.Random(rng.random())  # ids do not depend on what is sealed
        self._codec = Codec(registry or default_registry(), nonces.randbytes)
        self._keys = _SameKey()
        self._now = _BEGAN

    def _id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def intended(self) -> NewEvent:
        """A delivery that begins."""
        return self._event("DeliveryIntended", 1, self._id(), (self._id(), self._id()), {})

    def campaign(self) -> Iterator[NewEvent]:
        """The events of one campaign, in order."""
        campaign = self._id()
        people = [(self._id(), self._id()) for _ in range(_CONTACTS)]
        for person in people:
            yield self._event("DeliveryIntended", 1, campaign, person, {})
        for first in range(0, _CONTACTS, _CHUNK):
            yield from self._sent(campaign, people[first : first + _CHUNK])
        observed = {"at": self._now, "mailbox_provider": "gmail"}
        for person in self._rng.sample(people, _CONTACTS):
            yield self._event("Delivered", 4, campaign, person, observed)
        opened = {"observation": "9f2c", "platform": "Desktop", "first_open": True}
        reader = {"user_agent": "Mozilla/5.0 (Macintosh)", "geo": '{"City": "Bonn"}'}
        for person in self._rng.sample(people, _CONTACTS * 4 // 10):
            yield self._event("Opened", 5, campaign, person, {**observed, **opened, **reader})

    def _sent(self, campaign: str, people: list[tuple[str, str]]) -> Iterator[NewEvent]:
        batch = {"batch_id": self._id(), "mailbox_provider": "gmail"}
        lease = {"lease_until": self._now + 60_000_000, "proof_position": 1, "attempt": 1}
        for person in people:
            yield self._event("DeliveryClaimed", 2, campaign, person, {**batch, **lease})
        for person in people:
            answer = {"message_id": self._id(), "via": "answer"}
            yield self._event("DeliveryAccepted", 3, campaign, person, {**batch, **answer})

    def _event(
        self, kind: str, version: int, campaign: str, person: tuple[str, str], data: dict[str, Any]
    ) -> NewEvent:
        delivery, contact = person
        self._now += 1_000
        meta = {
            "event_id": self._id(),
            "organization_id": ORGANIZATION,
            "stream_id": delivery,
            "stream_version": version,
            "occurred_at": self._now,
            "actor": "system:sender",
            "correlation_id": campaign,
            "causation_id": campaign,
        }
        fields = {"campaign_id": campaign, "step": 1, "contact_id": contact, "kind": "campaign"}
        value = self._codec.encode(kind, meta, {**fields, **data}, self._keys)
        return NewEvent(delivery, version, kind, ORGANIZATION, value)

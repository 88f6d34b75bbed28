"""The ways to record a security event inside a transaction: each time, or once a day or so."""

from __future__ import annotations

from uuid import UUID

from domain.ports import Transaction
from domain.security.events import Fact, SecurityEvent, event_stream
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta


def record(tx: Transaction, identity: UUID, fact: Fact, meta: Meta) -> None:
    """Record the fact; it is in the log exactly when the caller's transaction commits.

    `identity` is a fresh random id.
    """
    tx.save(SecurityEvent.record_fact(identity, fact, meta))


def record_once(tx: Transaction, fact: Fact, meta: Meta, once: str) -> bool:
    """The same, unless this actor's same fact was recorded before under `once`, such as a day.

    Whether it was recorded now. Two at the same time conflict: the second is decided again, and
    finds the first.
    """
    identity = event_stream(fact, meta, once)
    try:
        tx.load(SecurityEvent, identity)
    except NotFoundError:
        tx.save(SecurityEvent.record_fact(identity, fact, meta))
        return True
    return False

"""Erasures done again after a restore: what a backup brought back goes once more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress
from domain.contact.handlers import erase_contact
from domain.contact.mailable import Standing
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.erasure.certificate import Erasure, erasure_of
from infra.erasure.ledger import Entry
from infra.transactions import PostgresTransaction
from projections.queries.persons import references_to
from schemas.codec import Event

_NO_KEY = """
    INSERT INTO log.subject_keys (subject_id, organization_id)
    SELECT s, %s FROM unnest(%s::uuid[]) AS u (s)
    ON CONFLICT (subject_id) DO UPDATE SET wrapped = NULL
"""


def replay(core: Core, entries: Iterable[Entry]) -> int:
    """Carry out every erasure of the ledger that the log does not have; how many.

    Keys are destroyed in any case, and never made for people the log does not know yet.
    """
    again = 0
    for entry in entries:
        erasure = erasure_of(entry.statement)
        done, _ = core.commands.run(
            UUID(erasure.organization_id),
            lambda tx, erasure=erasure: _erase(core, tx, erasure),  # type: ignore[misc]
        )
        again += done
    core.keys.forget()
    return again


def _erase(core: Core, tx: PostgresTransaction, erasure: Erasure) -> int:
    done = 0
    keys = {erasure.contact_id, *erasure.references}
    taken = tx.mailable.take(sorted(erasure.addresses))
    try:
        contact = tx.load(Contact, UUID(erasure.contact_id))
    except NotFoundError:
        known: set[bytes] = set()
    else:
        known = set(contact.addresses)
        if not contact.erased:
            keys |= set(_references(core, tx, contact))
            others = [UUID(each) for each in sorted(keys - {erasure.contact_id})]
            erase_contact(tx, contact, others, _meta(erasure))
            done = 1
    for address in sorted(set(erasure.addresses) - known):
        _silence(tx, erasure, address, taken[address])
    tx.connection.execute(_NO_KEY, (erasure.organization_id, sorted(keys)))
    return done


def _silence(tx: PostgresTransaction, erasure: Erasure, address: bytes, standing: Standing) -> None:
    """Never mail an address that the person got after the backup, if at all.

    The log cannot tell whether the person had given it up for the one who has it here, so that one
    is not mailed either: nothing lifts an erasure.
    """
    if standing.suppression == "erased":
        return
    if standing.contact_id is not None:
        other = tx.load(Contact, UUID(standing.contact_id))
        other.suppress(Suppress("erased", "api"), _meta(erasure))
        tx.save(other)
    tx.mailable.note(
        address,
        contact_id=standing.contact_id,
        consent=standing.consent,
        suppression="erased",
        stream_id=standing.contact_id or erasure.contact_id,
    )


def _references(core: Core, tx: PostgresTransaction, contact: Contact) -> list[str]:
    def decode(connection: Any, values: Sequence[tuple[bytes, int]]) -> list[Event]:
        return core.codec.decode_batch(values, core.keys.on(connection))

    return references_to(
        tx.connection, decode, str(tx.organization_id), contact.addresses, core.hasher
    )


def _meta(erasure: Erasure) -> Meta:
    """As it was decided then: by the same, at the same time."""
    request = uuid4()
    return Meta(UUID(erasure.organization_id), erasure.actor, request, request, erasure.erased_at)

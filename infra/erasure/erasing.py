"""Carrying an erasure out: one transaction decides, the ledger keeps the certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from api.ports import Answer, CommandTransaction
from domain.contact.aggregate import Contact
from domain.contact.handlers import HashAddress, erase_contact
from domain.security.events import Fact
from domain.security.recording import record
from domain.shared.meta import Meta
from infra.erasure.certificate import Erasure, certify
from infra.erasure.ledger import ErasureLedger
from infra.postgres import Connection, organization_transaction
from infra.signing import Signer
from infra.transactions import CommandLog
from projections.queries.persons import references_to
from schemas.codec import Event, to_datetime

_ABOUT = """
    SELECT bytes, position FROM log.events WHERE stream_id = %s
        AND type IN ('ContactAdded', 'ContactRevised', 'ContactErased') ORDER BY version
"""
_ERASED = "SELECT stream_id FROM log.events WHERE type = 'ContactErased' ORDER BY position"


@dataclass(frozen=True, slots=True)
class Erasures:
    """Erases people and gives their certificates. Thread-safe; blocks on Postgres and the disk."""

    log: CommandLog
    hash_address: HashAddress
    ledger: ErasureLedger
    signer: Signer

    def erase(self, organization_id: UUID, contact_id: UUID, meta: Meta) -> Answer:
        """Forget the person for good: 200 with the certificate, once the ledger has it.

        Raises NotFoundError, RuleViolatedError `contact_erased`, and UnavailableError before
        anything is done when the ledger cannot be written.
        """
        self.ledger.ensure_writable()
        answer, _ = self.log.run_once(
            organization_id, None, b"", lambda tx: self._decide(tx, contact_id, meta)
        )
        self.log.keys.forget()
        document = self.certificate(organization_id, contact_id)
        assert document is not None  # noqa: S101 - it was erased a moment ago
        self.ledger.append(document)
        return Answer(200, document, answer.headers)

    def certificate(self, organization_id: UUID, contact_id: UUID) -> Mapping[str, Any] | None:
        """The certificate of an erasure in this organization, as it was given; None if none."""
        organization = str(organization_id)
        with organization_transaction(self.log.pool, organization) as connection:
            found = self.of_contact(connection, str(contact_id))
        if found is None or found.organization_id != organization:
            return None
        return self.ledger.find(found.contact_id) or certify(found, self.signer)

    def catch_up(self, connection: Connection) -> int:
        """Give the ledger what the log has and it has not, after a crash between the two."""
        known = {entry.subject for entry in self.ledger.entries()}
        missing = [c for (c,) in connection.execute(_ERASED).fetchall() if c not in known]
        for contact_id in missing:
            if found := self.of_contact(connection, contact_id):
                self.ledger.append(certify(found, self.signer))
        return len(missing)

    def _decide(self, tx: CommandTransaction, contact_id: UUID, meta: Meta) -> Answer:
        contact = tx.load(Contact, contact_id)
        references: list[str] = []
        if not contact.erased:
            references = references_to(
                tx.connection, self._decode, str(tx.organization_id), contact.addresses,
                self.hash_address,
            )  # fmt: skip
        others = [UUID(each) for each in references if each != str(contact_id)]
        erase_contact(tx, contact, others, meta)
        record(tx, uuid4(), Fact("erasure", str(contact_id), "contact"), meta)
        self.log.keys.destroy(tx.connection, {str(contact_id), *map(str, others)})
        return Answer(200, None)

    def _decode(self, connection: Connection, values: Sequence[tuple[bytes, int]]) -> list[Event]:
        return self.log.codec.decode_batch(values, self.log.keys.on(connection))

    def of_contact(self, connection: Connection, contact_id: str) -> Erasure | None:
        """What the log says of a contact's erasure, as far as the connection may read."""
        rows = connection.execute(_ABOUT, (contact_id,)).fetchall()
        events = self.log.codec.decode_batch(rows, None)
        erased = next((event for event in events if event.type == "ContactErased"), None)
        if erased is None:
            return None
        hashes = [e.data["address_hmac"] for e in events if "address_hmac" in e.data]
        return Erasure(
            erased.organization_id,
            contact_id,
            erased.position,
            to_datetime(erased.occurred_at),
            erased.actor,
            tuple(erased.data["references"]),
            tuple(dict.fromkeys(hashes)),
        )

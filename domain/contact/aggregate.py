"""The contact: a person who may receive e-mail, and what they allow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.contact.commands import Origin, Suppress, SuppressionReason
from domain.contact.decisions import (
    consent_changes,
    follows_to_new_address,
    may_lift,
    replaces,
    strongest,
)
from domain.contact.values import UNKNOWN, Consent, ConsentStatus, ContactDetails
from domain.shared.aggregate import Root
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta


class Contact(Root):
    """A person. `address_hmac` is the keyed hash of the normalised address.

    Whether the address may be mailed is decided on the table of mailable addresses, which the
    caller changes in the same transaction; `suppression` here is what this person's history says.
    `addresses` are the hashes of all the addresses the person ever had.
    """

    TOPIC = "Contact"

    class Created(Aggregate.Created):
        TOPIC = "ContactAdded"
        meta: Meta
        address_hmac: bytes
        origin: str
        email: str
        first_name: str
        last_name: str
        timezone: str
        attributes: str
        tags: list[str]

    class Revised(Aggregate.Event):
        TOPIC = "ContactRevised"
        meta: Meta
        address_hmac: bytes
        email: str
        first_name: str
        last_name: str
        timezone: str
        attributes: str
        tags: list[str]

    class ConsentRecorded(Aggregate.Event):
        TOPIC = "ConsentRecorded"
        meta: Meta
        address_hmac: bytes
        status: str
        given_at: datetime | None
        source: str

    class Suppressed(Aggregate.Event):
        TOPIC = "AddressSuppressed"
        meta: Meta
        address_hmac: bytes
        contact_id: UUID | None
        reason: str
        delivery_id: UUID | None
        origin: str

    class Reactivated(Aggregate.Event):
        TOPIC = "AddressReactivated"
        meta: Meta
        address_hmac: bytes
        contact_id: UUID | None
        origin: str

    class Deleted(Aggregate.Event):
        TOPIC = "ContactDeleted"
        meta: Meta
        address_hmac: bytes

    class Erased(Aggregate.Event):
        TOPIC = "ContactErased"
        meta: Meta
        references: list[UUID]

    @classmethod
    def add(
        cls,
        contact_id: UUID,
        details: ContactDetails,
        address_hmac: bytes,
        consent: Consent,
        meta: Meta,
        *,
        origin: Origin = "api",
        suppressed: SuppressionReason | None = None,
    ) -> Contact:
        """A new person. `suppressed`: what is known against the address already."""
        contact = cls._create(
            cls.Created,
            id=contact_id,
            timestamp=meta.now,
            meta=meta,
            address_hmac=address_hmac,
            origin=origin,
            **details.to_fields(),
        )
        contact.record(cls.ConsentRecorded, meta, **_consent_fields(address_hmac, consent))
        if suppressed is not None:
            contact.suppress(Suppress(suppressed, origin), meta)
        return contact

    def revise(
        self,
        details: ContactDetails,
        address_hmac: bytes,
        meta: Meta,
        *,
        suppressed: SuppressionReason | None = None,
    ) -> bool:
        """Describe the person as follows; whether that changed anything.

        `suppressed` is what is known against a new address; the same address keeps its own.
        """
        self._ensure_there()
        if address_hmac == self.address_hmac and details.to_fields() == self._fields:
            return False
        moved = address_hmac != self.address_hmac
        self.record(self.Revised, meta, address_hmac=address_hmac, **details.to_fields())
        if moved:
            self._suppression_after_moving(suppressed, meta)
        return True

    def record_consent(self, consent: Consent, meta: Meta) -> bool:
        """Note what the person agreed to; whether that says anything new."""
        self._ensure_there()
        if not consent_changes(self.consent, self.consent_since, consent):
            return False
        self.record(self.ConsentRecorded, meta, **_consent_fields(self.address_hmac, consent))
        return True

    def suppress(self, command: Suppress, meta: Meta) -> bool:
        """Mail the address no more; nothing new if a reason as strong stands already."""
        self._ensure_there()
        if not replaces(command.reason, self.suppression):
            return False
        self._suppressed_by(command, meta)
        return True

    def reactivate(self, origin: Origin, meta: Meta, *, by_the_person: bool = False) -> bool:
        """The address works again, or the person came back; nothing where that cannot be."""
        self._ensure_there()
        if not may_lift(self.suppression, by_the_person=by_the_person):
            return False
        self._reactivated_by(origin, meta)
        return True

    def delete(self, meta: Meta, *, origin: Origin = "api") -> None:
        """Hide the person and never mail the address again."""
        self._ensure_there()
        self.suppress(Suppress("deleted", origin), meta)
        self.record(self.Deleted, meta, address_hmac=self.address_hmac)

    def erase(self, addresses: Sequence[bytes], references: Sequence[UUID], meta: Meta) -> None:
        """Forget the person for good, deleted or not; a second time is refused.

        `addresses` are those, of all the person ever had, that nobody else has now: none of them
        is mailed again. `references` stand elsewhere for the person; their keys go with the
        person's own, in the same transaction.
        """
        if self.erased:
            raise RuleViolatedError(
                "contact_erased", "This contact was erased already; nothing is left to erase."
            )
        for address in addresses:
            self.record(
                self.Suppressed, meta, address_hmac=address, contact_id=self.id, reason="erased",
                delivery_id=None, origin="api",
            )  # fmt: skip
        self.record(self.Erased, meta, references=list(references))

    @property
    def details(self) -> ContactDetails:
        """The person as last described; all empty once deleted or erased."""
        return ContactDetails.from_fields(self._fields)

    def _ensure_there(self) -> None:
        if self.erased:
            raise RuleViolatedError("contact_erased", "This contact was erased.")
        if self.deleted:
            raise RuleViolatedError("contact_deleted", "This contact was deleted.")

    def _suppression_after_moving(self, known: SuppressionReason | None, meta: Meta) -> None:
        """What stands against the person or the new address is said again of the new address."""
        stays = strongest(follows_to_new_address(self.suppression), known)
        if stays is not None:
            self._suppressed_by(Suppress(stays, "address_changed"), meta)
        elif self.suppression is not None:
            self._reactivated_by("address_changed", meta)

    def _suppressed_by(self, command: Suppress, meta: Meta) -> None:
        self.record(
            self.Suppressed,
            meta,
            address_hmac=self.address_hmac,
            contact_id=self.id,
            reason=command.reason,
            delivery_id=command.delivery_id,
            origin=command.origin,
        )

    def _reactivated_by(self, origin: Origin, meta: Meta) -> None:
        self.record(
            self.Reactivated,
            meta,
            address_hmac=self.address_hmac,
            contact_id=self.id,
            origin=origin,
        )

    @event(Created)
    def __init__(
        self,
        meta: Meta,
        address_hmac: bytes,
        email: str,
        first_name: str,
        last_name: str,
        timezone: str,
        attributes: str,
        tags: list[str],
    ) -> None:
        self.organization_id = meta.organization_id
        self.address_hmac = address_hmac
        self.addresses: tuple[bytes, ...] = (address_hmac,)
        self._fields = _fields(email, first_name, last_name, timezone, attributes, tags)
        self.consent = UNKNOWN
        self.consent_since = meta.now
        self.suppression: SuppressionReason | None = None
        self.deleted = False
        self.erased = False

    @event(Revised)
    def _revised(
        self,
        address_hmac: bytes,
        email: str,
        first_name: str,
        last_name: str,
        timezone: str,
        attributes: str,
        tags: list[str],
    ) -> None:
        self.address_hmac = address_hmac
        self.addresses = tuple(dict.fromkeys((*self.addresses, address_hmac)))
        self._fields = _fields(email, first_name, last_name, timezone, attributes, tags)

    @event(ConsentRecorded)
    def _consent_recorded(
        self, meta: Meta, status: ConsentStatus, given_at: datetime | None, source: str
    ) -> None:
        self.consent = Consent(status, source, given_at)
        self.consent_since = meta.now

    @event(Suppressed)
    def _suppressed(self, reason: SuppressionReason) -> None:
        self.suppression = reason

    @event(Reactivated)
    def _reactivated(self) -> None:
        self.suppression = None

    @event(Deleted)
    def _deleted(self) -> None:
        self.deleted = True
        self._fields = _fields("", "", "", "", "", [])

    @event(Erased)
    def _erased(self) -> None:
        self.deleted = True
        self.erased = True
        self._fields = _fields("", "", "", "", "", [])


def _consent_fields(address_hmac: bytes, consent: Consent) -> dict[str, Any]:
    return {
        "address_hmac": address_hmac,
        "status": consent.status,
        "given_at": consent.at,
        "source": consent.source,
    }


def _fields(
    email: str, first_name: str, last_name: str, timezone: str, attributes: str, tags: list[str]
) -> dict[str, Any]:
    return {
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "timezone": timezone,
        "attributes": attributes,
        "tags": list(tags),
    }

"""What happens when somebody adds, changes or removes a contact: person and address together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

from domain.contact.aggregate import Contact
from domain.contact.commands import Origin, SuppressionReason
from domain.contact.mailable import Mailable, Standing
from domain.contact.values import Consent, ContactDetails, EmailAddress
from domain.organization.quotas import Allowance
from domain.ports import Transaction
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta

HashAddress = Callable[[str], bytes]
"""The keyed hash of a normalised address."""


class ContactTransaction(Transaction, Protocol):
    """A transaction that can also decide who may be mailed, and how many contacts there may be."""

    @property
    def mailable(self) -> Mailable: ...

    @property
    def allowance(self) -> Allowance: ...


@dataclass(frozen=True, slots=True)
class AddContact:
    contact_id: UUID
    details: ContactDetails
    consent: Consent
    origin: Origin = "api"


def address_hash(details: ContactDetails, hash_address: HashAddress) -> bytes:
    """The key under which the address of these details is known."""
    return hash_address(EmailAddress.parse(details.email).normalised)


def add_contact(
    tx: ContactTransaction, command: AddContact, hash_address: HashAddress, meta: Meta
) -> Contact:
    """A new contact. RuleViolatedError: `contact_exists`, because an address is one contact;
    `contacts_quota_reached`."""
    address = address_hash(command.details, hash_address)
    standing = tx.mailable.take([address])[address]
    if standing.contact_id is not None:
        raise RuleViolatedError(
            "contact_exists", f"This address is contact {standing.contact_id}; change that one."
        )
    return begin_contact(tx, command, address, standing, meta)


def begin_contact(
    tx: ContactTransaction, command: AddContact, address: bytes, standing: Standing, meta: Meta
) -> Contact:
    """A new contact for an address that was taken and is nobody's.

    Raises RuleViolatedError `contacts_quota_reached`; then nothing is recorded.
    """
    tx.allowance.add_contact()
    contact = Contact.add(
        command.contact_id,
        command.details,
        address,
        command.consent,
        meta,
        origin=command.origin,
        suppressed=cast("SuppressionReason | None", standing.suppression),
    )
    save(tx, contact)
    return contact


def revise_contact(
    tx: ContactTransaction,
    contact: Contact,
    details: ContactDetails,
    consent: Consent | None,
    hash_address: HashAddress,
    meta: Meta,
) -> bool:
    """Describe a contact differently; whether that changed anything."""
    address = address_hash(details, hash_address)
    former = contact.address_hmac
    taken = tx.mailable.take([former, address])
    standing = taken[address]
    if standing.contact_id not in (None, str(contact.id)):
        raise RuleViolatedError("contact_exists", "Another contact has this address.")
    known = standing.suppression if address != former else None
    changed = contact.revise(
        details, address, meta, suppressed=cast("SuppressionReason | None", known)
    )
    if consent is not None:
        changed = contact.record_consent(consent, meta) or changed
    if changed:
        if former != address:
            release(tx, former, taken[former], contact)
        save(tx, contact)
    return changed


def delete_contact(tx: ContactTransaction, contact: Contact, meta: Meta) -> None:
    """Hide a contact; its address stays suppressed, also when it is imported again."""
    tx.mailable.take([contact.address_hmac])
    contact.delete(meta)
    tx.allowance.remove_contact()
    save(tx, contact)


def erase_contact(
    tx: ContactTransaction, contact: Contact, references: Sequence[UUID], meta: Meta
) -> None:
    """Forget a person for good. The caller destroys the keys, in this transaction.

    An address that another contact has now stays that one's.
    """
    taken = tx.mailable.take(contact.addresses)
    mine = (None, str(contact.id))
    addresses = [each for each in contact.addresses if taken[each].contact_id in mine]
    was_there = not contact.deleted
    contact.erase(addresses, references, meta)
    if was_there:
        tx.allowance.remove_contact()
    tx.save(contact)
    for address in addresses:
        tx.mailable.note(
            address,
            contact_id=None,
            consent=taken[address].consent,
            suppression="erased",
            stream_id=str(contact.id),
        )


def release(tx: ContactTransaction, address: bytes, standing: Standing, contact: Contact) -> None:
    """An address that is the contact's no longer keeps what is known against it."""
    tx.mailable.note(
        address,
        contact_id=None,
        consent="unknown",
        suppression=standing.suppression,
        stream_id=str(contact.id),
    )


def save(tx: ContactTransaction, contact: Contact) -> None:
    """Append what the contact has pending, and what it means for the address."""
    tx.save(contact)
    tx.mailable.note(
        contact.address_hmac,
        contact_id=None if contact.deleted else str(contact.id),
        consent=contact.consent.status,
        suppression=contact.suppression,
        stream_id=str(contact.id),
    )

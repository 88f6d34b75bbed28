"""Addresses that move from one contact to another, as somebody changes them through the API."""

from __future__ import annotations

from uuid import UUID

from domain.contact.aggregate import Contact
from domain.contact.handlers import HashAddress, revise_contact
from domain.contact.values import ContactDetails
from domain.shared.meta import Meta
from infra.transactions import CommandLog


def move(
    commands: CommandLog, hash_address: HashAddress, contact_id: str, email: str, meta: Meta
) -> None:
    """Let the contact have this address from now on."""
    commands.run(
        meta.organization_id,
        lambda tx: revise_contact(
            tx, tx.load(Contact, UUID(contact_id)), ContactDetails.of(email), None, hash_address,
            meta,
        ),
    )  # fmt: skip

"""Silencing: an address that is not to be mailed any more, told where its history stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from uuid import UUID

from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress, SuppressionReason
from domain.contact.decisions import replaces
from domain.contact.mailable import Note, Standing
from domain.shared.meta import Meta
from infra.event_log import Draft
from infra.transactions import PostgresTransaction

NewId = Callable[[], UUID]


def silence(
    transaction: PostgresTransaction,
    address_hmac: bytes,
    standing: Standing,
    command: Suppress,
    meta: Meta,
    new_id: NewId,
) -> bool:
    """Let nobody mail a taken address any more, whoever has it; whether that is news.

    `standing`: as it was taken. It is recorded on the contact's stream, or on one of its own.
    """
    if not replaces(command.reason, cast("SuppressionReason | None", standing.suppression)):
        return False
    if standing.contact_id is not None:
        contact = transaction.load(Contact, UUID(standing.contact_id))
        contact.suppress(command, meta)
        transaction.save(contact)
        stream_id = standing.contact_id
    else:
        stream_id = str(new_id())
        transaction.add(_of_nobody(stream_id, address_hmac, command, meta))
    note = Note(address_hmac, standing.contact_id, standing.consent, command.reason, stream_id)
    transaction.mailable.note_many([note])
    return True


def _of_nobody(stream_id: str, address_hmac: bytes, command: Suppress, meta: Meta) -> Draft:
    return Draft(
        "AddressSuppressed",
        stream_id,
        1,
        {
            "address_hmac": address_hmac,
            "contact_id": None,
            "reason": command.reason,
            "delivery_id": str(command.delivery_id) if command.delivery_id else None,
            "origin": command.origin,
        },
        str(meta.organization_id),
        meta.actor,
        str(meta.correlation_id),
        str(meta.causation_id),
        meta.now,
    )

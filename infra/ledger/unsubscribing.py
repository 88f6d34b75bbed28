"""Unsubscribing by our own link: told by the delivery that carried it, as a webhook would tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from api.ports import CommandTransaction, Unsubscription
from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress
from domain.delivery.states import State, is_possible
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra.event_log import VersionConflictError
from infra.ledger.rows import Change, SendRow, apply, locked_rows
from infra.ledger.silencing import silence
from infra.transactions import PostgresTransaction
from schemas.codec import to_micros


@dataclass(frozen=True, slots=True)
class LedgerUnsubscriptions:
    """The Unsubscriptions, over the ledger in Postgres, as the login that RLS binds."""

    new_id: Callable[[], UUID]

    def record(self, tx: CommandTransaction, said: Unsubscription, meta: Meta) -> None:
        """Lock the row, then the addresses; nothing is told of what was known before.

        What somebody else says of the contact meanwhile makes its append a conflict, and all of it
        is decided anew.
        """
        transaction = cast("PostgresTransaction", tx)
        rows = locked_rows(transaction.connection, [str(said.delivery_id)])
        present = _present_address(transaction, said.contact_id)
        addresses = {each for each in (said.address_hmac, present) if each is not None}
        taken = transaction.mailable.take(sorted(addresses))
        if present is not None and taken[present].contact_id != str(said.contact_id):
            raise VersionConflictError  # it moved while we waited
        command = Suppress("unsubscribed", "link", said.delivery_id)
        news = [
            silence(transaction, address, standing, command, meta, self.new_id)
            for address, standing in taken.items()
        ]
        if any(news):
            apply(transaction, [_told(row, meta) for row in rows if _carried(row)], meta.now, meta)


def _present_address(transaction: PostgresTransaction, contact_id: UUID) -> bytes | None:
    try:
        contact = transaction.load(Contact, contact_id)
    except NotFoundError:
        return None
    return None if contact.deleted else contact.address_hmac


def _carried(row: SendRow) -> bool:
    """One that was refused carried no link."""
    return is_possible(cast("State", row.state), "SubscriptionChanged")


def _told(row: SendRow, meta: Meta) -> Change:
    told = {
        "at": to_micros(meta.now),
        "suppress": True,
        "origin": "Recipient",
        "reason": "ManualSuppression",
        "mailbox_provider": row.mailbox_provider,
    }
    return Change(row, "SubscriptionChanged", told, {})

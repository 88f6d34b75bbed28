"""Unsubscribing by our own link: told by the delivery that carried it, as a webhook would tell."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from api.ports import CommandTransaction
from domain.delivery.states import State, is_possible
from domain.shared.meta import Meta
from infra.ledger.rows import Change, apply, locked_rows
from infra.transactions import PostgresTransaction
from schemas.codec import to_micros


class LedgerUnsubscriptions:
    """The Unsubscriptions, over the ledger in Postgres, as the login that RLS binds."""

    def record(self, tx: CommandTransaction, delivery_id: UUID, meta: Meta) -> None:
        """Lock the row and append the event; one that was refused carried no link."""
        transaction = cast("PostgresTransaction", tx)
        told = {
            "at": to_micros(meta.now),
            "suppress": True,
            "origin": "Recipient",
            "reason": "ManualSuppression",
        }
        changes = [
            Change(
                row, "SubscriptionChanged", told | {"mailbox_provider": row.mailbox_provider}, {}
            )
            for row in locked_rows(transaction.connection, [str(delivery_id)])
            if is_possible(cast("State", row.state), "SubscriptionChanged")
        ]
        apply(transaction, changes, meta.now, meta)

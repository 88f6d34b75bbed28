"""The past of a restored campaign at a claim: what left after the backup is not sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from domain.organization.quotas import month_of
from infra.ledger.rows import Change, SendRow
from infra.quotas import count_sends
from infra.transactions import PostgresTransaction

_STANDS: Final = """
    SELECT EXISTS (SELECT 1 FROM state.lookbacks WHERE campaign_id = %(campaign)s),
           EXISTS (SELECT 1 FROM state.sent_before WHERE campaign_id = %(campaign)s)
"""
_FOUND: Final = """
    SELECT delivery_id, message_id, batch_id, accepted_at FROM state.sent_before
    WHERE delivery_id = ANY(%s::uuid[])
"""
_FOUND_BY_ADDRESS: Final = """
    SELECT step, address_hmac, message_id, batch_id, accepted_at FROM state.sent_before
    WHERE campaign_id = %s AND address_hmac = ANY(%s)
"""


class Left(NamedTuple):
    """A message that left."""

    message_id: str
    batch_id: str
    accepted_at: datetime


class Past:
    """What is known of a campaign's past, in the transaction of a claim."""

    def __init__(self, transaction: PostgresTransaction, campaign_id: str) -> None:
        self._transaction, self._campaign_id = transaction, campaign_id
        row = transaction.connection.execute(_STANDS, {"campaign": campaign_id}).fetchone()
        self.unknown, self._found = row or (True, False)
        """`unknown`: nothing may be claimed before it has looked back."""
        self._months: Counter[date] = Counter()

    def accepted(self, rows: Sequence[SendRow]) -> list[Change]:
        """The changes of those of the locked rows that left already."""
        if not self._found or not rows:
            return []
        found = self._transaction.connection.execute(
            _FOUND, ([row.delivery_id for row in rows],)
        ).fetchall()
        known = {delivery: Left(*left) for delivery, *left in found}
        return self._changes([(row, known.get(row.delivery_id)) for row in rows])

    def reached(self, rows: Sequence[SendRow], addresses: Mapping[str, bytes]) -> list[Change]:
        """Of those whose step went to their contact's address already: a person who was added
        after the backup, and again after the restore, is another contact."""
        if not self._found or not rows:
            return []
        found = self._transaction.connection.execute(
            _FOUND_BY_ADDRESS, (self._campaign_id, list(addresses.values()))
        ).fetchall()
        known = {(step, bytes(address)): Left(*left) for step, address, *left in found}
        return self._changes(
            [(row, known.get((row.step, addresses[row.contact_id]))) for row in rows]
        )

    def _changes(self, rows: Sequence[tuple[SendRow, Left | None]]) -> list[Change]:
        gone = [(row, left) for row, left in rows if left is not None]
        self._months.update(
            month_of(left.accepted_at) for row, left in gone if row.kind == "campaign"
        )
        return [_accepted(row, left) for row, left in gone]

    def count(self, organization_id: str) -> None:
        """Count those as sent, each in its month; comes after the locks of addresses."""
        for month, number in sorted(self._months.items()):
            count_sends(self._transaction.connection, organization_id, month, number)


def _accepted(row: SendRow, left: Left) -> Change:
    batch = {"batch_id": left.batch_id, "message_id": left.message_id}
    told = {**batch, "via": "search", "mailbox_provider": row.mailbox_provider}
    return Change(row, "DeliveryAccepted", told, batch)

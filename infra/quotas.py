"""Quotas in Postgres: what is allowed, what is used, and counting under lock.

A row of counts is locked after the rows of addresses and deliveries, and before the append.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import cast

from domain.organization.quotas import Quota, admitted, ensure_contact_fits
from infra.postgres import Connection
from infra.transactions import PostgresTransaction

_LIMIT = "SELECT contacts FROM state.quotas WHERE organization_id = %s"
# The first one counts what is there; somebody who comes at the same moment waits for it.
_BEGIN = """
    INSERT INTO state.contact_counts (organization_id, contacts)
    SELECT %(organization)s, count(*) FROM log.mailable
    WHERE organization_id = %(organization)s AND contact_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM state.contact_counts WHERE organization_id = %(organization)s)
    HAVING NOT EXISTS (SELECT 1 FROM state.contact_counts WHERE organization_id = %(organization)s)
    ON CONFLICT DO NOTHING
"""
_COUNTED = "SELECT contacts FROM state.contact_counts WHERE organization_id = %s FOR UPDATE"
_COUNT = "UPDATE state.contact_counts SET contacts = contacts + %s WHERE organization_id = %s"
_SET = """
    INSERT INTO state.quotas VALUES (%s, %s, %s) ON CONFLICT (organization_id)
    DO UPDATE SET contacts = excluded.contacts, sends_a_month = excluded.sends_a_month
"""
_SENDS_LIMIT = "SELECT sends_a_month FROM state.quotas WHERE organization_id = %s"
_SENT_LOCKED = """
    INSERT INTO state.send_counts AS c VALUES (%s, %s, 0)
    ON CONFLICT (organization_id, month) DO UPDATE SET sends = c.sends RETURNING sends
"""
_SENT = "SELECT sends FROM state.send_counts WHERE organization_id = %s AND month = %s"
_SEND = "UPDATE state.send_counts SET sends = sends + %s WHERE organization_id = %s AND month = %s"
_GIVE_BACK = """
    UPDATE state.send_counts AS c SET sends = c.sends - g.number
    FROM (SELECT b.organization_id, b.counted_in, count(*) AS number
          FROM unnest(%s::uuid[]) AS u (id) JOIN state.send_batches b ON b.batch_id = u.id
          WHERE b.counted_in IS NOT NULL GROUP BY 1, 2) AS g
    WHERE c.organization_id = g.organization_id AND c.month = g.counted_in
"""


class PostgresAllowance:
    """The Allowance of one transaction: `PostgresAllowance(transaction)`."""

    def __init__(self, transaction: PostgresTransaction) -> None:
        self._transaction = transaction
        self._organization = str(transaction.organization_id)
        self._read: tuple[int | None, int] | None = None
        self._changed = 0
        self._assumed = 0

    def assume(self, contacts: int) -> None:
        """Count so many more as used: what earlier transactions of a dry run would have added."""
        self._assumed = contacts

    def add_contact(self) -> None:
        """One contact more. Raises RuleViolatedError `contacts_quota_reached`."""
        limit, used = self._standing()
        ensure_contact_fits(limit, used + self._assumed + self._changed)
        self._note(1)

    def remove_contact(self) -> None:
        """One contact less."""
        self._note(-1)

    def _standing(self) -> tuple[int | None, int]:
        """Limit and use. Only where there is a limit others must wait for this transaction."""
        if self._read is None:
            connection = self._transaction.connection
            row = connection.execute(_LIMIT, (self._organization,)).fetchone()
            limit = row[0] if row else None
            self._read = limit, 0 if limit is None else self._locked()
        return self._read

    def _locked(self) -> int:
        connection = self._transaction.connection
        connection.execute(_BEGIN, {"organization": self._organization})
        row = connection.execute(_COUNTED, (self._organization,)).fetchone()
        return cast("tuple[int]", row)[0]

    def _note(self, change: int) -> None:
        if not self._changed:
            self._transaction.before_append(self._write)
        self._changed += change

    def _write(self) -> None:
        changed, self._changed = self._changed, 0
        if changed:
            connection = self._transaction.connection
            connection.execute(_BEGIN, {"organization": self._organization})
            connection.execute(_COUNT, (changed, self._organization))


def set_quota(connection: Connection, organization_id: str, quota: Quota) -> None:
    """Let the quota be in force with this transaction."""
    connection.execute(_SET, (organization_id, quota.contacts, quota.sends_a_month))


def sends_limit(connection: Connection, organization_id: str) -> int | None:
    """How many deliveries a month are allowed; None: any number."""
    row = connection.execute(_SENDS_LIMIT, (organization_id,)).fetchone()
    return row[0] if row else None


def sends_left(connection: Connection, organization_id: str, month: date) -> bool:
    """Whether at least one more may be sent in this month."""
    row = connection.execute(_SENT, (organization_id, month)).fetchone()
    return bool(admitted(sends_limit(connection, organization_id), row[0] if row else 0, 1))


def admit_sends(connection: Connection, organization_id: str, month: date, wanted: int) -> int:
    """How many of `wanted` deliveries may be sent; they are counted."""
    if not wanted:
        return 0
    row = connection.execute(_SENT_LOCKED, (organization_id, month)).fetchone()
    used = cast("tuple[int]", row)[0]
    allowed = admitted(sends_limit(connection, organization_id), used, wanted)
    if allowed:
        connection.execute(_SEND, (allowed, organization_id, month))
    return allowed


def count_sends(connection: Connection, organization_id: str, month: date, number: int) -> None:
    """So many deliveries were sent in this month, whatever was allowed."""
    connection.execute(_SENT_LOCKED, (organization_id, month))
    connection.execute(_SEND, (number, organization_id, month))


def give_back_sends(connection: Connection, batches: Iterable[str]) -> None:
    """Deliveries of these batches, each named once for each, were not sent after all."""
    if given := list(batches):
        connection.execute(_GIVE_BACK, (given,))

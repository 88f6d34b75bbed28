"""Resolving: leases that are over, and batches of which only the provider knows the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.delivery.decisions import Held, LookAgain, Policy, lease_over, resolve
from infra.ledger.outcomes import change, settle
from infra.ledger.rows import Change, apply, locked_rows_of_batch
from infra.postgres import Connection
from infra.transactions import PostgresTransaction
from streams.effects.ports import OpenBatch, Route

_OVERDUE = """
    SELECT batch_id, organization_id FROM state.send_batches
    WHERE state = 'open' AND lease_until < now() ORDER BY lease_until LIMIT 100
"""
_LOCK_OVERDUE = """
    SELECT handed_over_at IS NOT NULL FROM state.send_batches
    WHERE batch_id = %s AND state = 'open' AND lease_until < now() FOR UPDATE SKIP LOCKED
"""
_DUE = """
    SELECT batch_id, organization_id, lookups, connection, message_stream, now() - claimed_at
    FROM state.send_batches
    WHERE state = 'ambiguous' AND resolve_at <= now() ORDER BY resolve_at LIMIT 100
"""
_LOCK_DUE = """
    SELECT 1 FROM state.send_batches
    WHERE batch_id = %s AND state = 'ambiguous' AND lookups = %s AND resolve_at <= now() FOR UPDATE
"""


def overdue(connection: Connection) -> list[tuple[str, str]]:
    """Batch and organization of leases that are over."""
    return [(batch, organization) for batch, organization in connection.execute(_OVERDUE)]


def due(connection: Connection) -> list[OpenBatch]:
    """Batches to be looked up now."""
    rows = connection.execute(_DUE).fetchall()
    return [
        OpenBatch(batch, whose, lookups, Route(connection, stream), age)
        for batch, whose, lookups, connection, stream, age in rows
    ]


def expire(transaction: PostgresTransaction, batch_id: str, now: datetime) -> list[Change]:
    """End one lease: what was never handed over is intended again, the rest is ambiguous."""
    connection = transaction.connection
    found = connection.execute(_LOCK_OVERDUE, (batch_id,)).fetchone()
    if found is None:
        return []
    verdict = lease_over(handed_over=found[0])
    rows = locked_rows_of_batch(connection, batch_id, "claimed")
    changes = [changed for row in rows if (changed := change(row, verdict))]
    apply(transaction, changes, now)
    settle(transaction, batch_id)
    return changes


def record_lookup(
    transaction: PostgresTransaction,
    batch: OpenBatch,
    found: Mapping[str, str],
    policy: Policy,
    again_after: timedelta,
    now: datetime,
) -> list[Change]:
    """What a look-up says of each delivery of the batch that is still ambiguous."""
    connection = transaction.connection
    if connection.execute(_LOCK_DUE, (batch.batch_id, batch.lookups)).fetchone() is None:
        return []  # somebody else looked it up meanwhile
    lookups = batch.lookups + 1
    connection.execute(
        "UPDATE state.send_batches SET lookups = %s, resolve_at = now() + %s WHERE batch_id = %s",
        (lookups, again_after, batch.batch_id),
    )
    changes = []
    for row in locked_rows_of_batch(connection, batch.batch_id, "ambiguous"):
        resolution = resolve(found.get(row.delivery_id), lookups, policy)
        if not isinstance(resolution, LookAgain) and (changed := change(row, resolution)):
            changes.append(changed)
    apply(transaction, changes, now)
    settle(transaction, batch.batch_id)
    return changes


def hold(transaction: PostgresTransaction, batch: OpenBatch, now: datetime) -> list[Change]:
    """Leave what is still ambiguous of a batch to a person: its server is closed to us."""
    connection = transaction.connection
    if connection.execute(_LOCK_DUE, (batch.batch_id, batch.lookups)).fetchone() is None:
        return []
    rows = locked_rows_of_batch(connection, batch.batch_id, "ambiguous")
    changes = [changed for row in rows if (changed := change(row, Held()))]
    apply(transaction, changes, now)
    settle(transaction, batch.batch_id)
    return changes

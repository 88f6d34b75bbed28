"""Webhooks for messages nobody knows yet: kept, tried again, at last put aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from projections.batch import Record
from streams.agents.addresses import Addresses
from streams.agents.ports import WorkerTransaction
from streams.agents.webhooks import TOPIC, Arrival, absorb, arrival
from streams.ports import DeadLetters

REASON: Final = "unknown_message"
CHUNK: Final = 240
"""Webhooks a transaction: one makes four events at most, and an append takes 1,000."""
_KEEP = """
    INSERT INTO state.webhook_waiting (organization_id, origin, body, received_at, next_try)
    SELECT o, g, b, r, now() + interval '1 second'
    FROM unnest(%s::uuid[], %s::text[], %s::bytea[], %s::timestamptz[]) AS u (o, g, b, r)
    ON CONFLICT (origin) DO NOTHING
"""
_DUE = """
    SELECT organization_id, origin, body, received_at, now() - first_seen FROM state.webhook_waiting
    WHERE next_try <= now() ORDER BY next_try LIMIT %s FOR UPDATE SKIP LOCKED
"""
# The longer one has waited, the longer it waits for the next try, from one second to a minute.
_LATER = """
    UPDATE state.webhook_waiting
    SET next_try = now() + least(greatest(now() - first_seen, interval '1 second'),
        interval '1 minute', first_seen + %s - now())
    WHERE origin = ANY(%s)
"""


def keep(tx: WorkerTransaction, unknown: Sequence[Arrival]) -> None:
    """Keep these for another try."""
    if unknown:
        tx.connection.execute(
            _KEEP,
            (
                [each.organization_id for each in unknown],
                [each.origin for each in unknown],
                [each.body for each in unknown],
                [each.received_at for each in unknown],
            ),
        )


def try_again(
    tx: WorkerTransaction, addresses: Addresses, dead_letters: DeadLetters, wait: timedelta
) -> int:
    """Try a chunk of those that are due again; how many there were.

    One that is still unknown after `wait` goes to the dead letters, then out of the table: when
    the process dies in between it is written twice, never lost.
    """
    rows = tx.connection.execute(_DUE, (CHUNK,)).fetchall()
    waited = {row[1]: row[4] for row in rows}
    unknown = absorb(tx, [_arrival(*row[:4]) for row in rows], addresses) if rows else []
    given_up = [each for each in unknown if waited[each.origin] >= wait]
    for each in given_up:
        dead_letters.put(_record(each), consumer="reactions", reason=REASON, trace="")
    later = [each.origin for each in unknown if waited[each.origin] < wait]
    tx.connection.execute(_LATER, (wait, later))
    done = sorted(set(waited) - set(later))
    tx.connection.execute("DELETE FROM state.webhook_waiting WHERE origin = ANY(%s)", (done,))
    return len(rows)


def _arrival(organization_id: str, origin: str, body: bytes, received_at: object) -> Arrival:
    headers = {"organization": organization_id.encode(), "received_at": str(received_at).encode()}
    return arrival(body, headers, origin)


def _record(each: Arrival) -> Record:
    _, partition, offset = each.origin.rsplit(":", 2)
    headers = {
        "organization": each.organization_id.encode(),
        "received_at": each.received_at.isoformat().encode(),
    }
    return Record(TOPIC, int(partition), int(offset), None, each.body, headers)

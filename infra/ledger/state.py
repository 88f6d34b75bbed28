"""The state of the ledger in numbers, for /metrics."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from infra.ledger.lookbacks import waiting
from infra.postgres import Connection
from streams.effects.metrics import (
    AMBIGUOUS,
    CLAIMS_OPEN,
    HELD,
    LOOKBACKS_WAITING,
    OLDEST_CLAIM,
    WAITING,
)

_COUNTS = """
    SELECT (SELECT count(*) FROM state.sends WHERE batch_id IS NOT NULL AND state = 'claimed'),
        (SELECT count(*) FROM state.sends WHERE batch_id IS NOT NULL AND state = 'ambiguous'),
        (SELECT count(*) FROM state.sends WHERE batch_id IS NOT NULL AND state = 'held'),
        (SELECT count(*) FROM state.sends WHERE state = 'intended'),
        (SELECT coalesce(extract(epoch FROM now() - min(claimed_at)), 0)::float
            FROM state.send_batches WHERE state <> 'settled')
"""


def measure(pool: ConnectionPool[Connection]) -> bool:
    """Set the gauges from Postgres. Always False: it is done until the next time."""
    with pool.connection() as connection:
        row = connection.execute(_COUNTS).fetchone()
        LOOKBACKS_WAITING.set(len(waiting(connection)))
    if row is not None:
        for gauge, value in zip(
            (CLAIMS_OPEN, AMBIGUOUS, HELD, WAITING, OLDEST_CLAIM), row, strict=True
        ):
            gauge.set(value)
    return False

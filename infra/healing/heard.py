"""What we heard from the provider, and where healing stands, in Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from infra.postgres import Connection
from streams.effects.healing.ports import Audit, BatchAudit
from streams.effects.metrics import HEAL_BATCHES, HEAL_BEHIND
from streams.effects.ports import Route
from streams.steps.gaps import KEPT, Count

_LEASE: Final = timedelta(minutes=5)
_ENROL: Final = """
    INSERT INTO state.webhook_audits (organization_id, next_at)
    SELECT organization_id, now() + %s FROM state.registration_tasks WHERE state = 'done'
    ON CONFLICT DO NOTHING
"""
_TAKE = """
    UPDATE state.webhook_audits SET next_at = now() + %s
    WHERE organization_id = (SELECT organization_id FROM state.webhook_audits
        WHERE next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING organization_id, since, failures
"""
_TAKE_BATCH = """
    UPDATE state.batch_audits b SET next_at = now() + %s, under_way = true
    FROM state.webhook_audits a
    WHERE b.batch_id = (SELECT batch_id FROM state.batch_audits
            WHERE NOT done AND next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
      AND a.organization_id = b.organization_id
    RETURNING b.batch_id, b.organization_id, a.since, b.message_stream, b.every_message,
        b.reached, b.silent, b.looks, b.failures, coalesce((SELECT s.connection
            FROM state.send_batches s WHERE s.batch_id = b.batch_id), 0)
"""
_WATCH = """
    INSERT INTO state.batch_audits (batch_id, organization_id, handed_over_at, message_stream)
    SELECT s.batch_id, s.organization_id, s.handed_over_at, s.message_stream
    FROM state.send_batches s JOIN state.webhook_audits a USING (organization_id)
    WHERE s.organization_id = %s AND s.handed_over_at >= greatest(now() - %s, a.since)
      AND s.handed_over_at <= %s
      AND NOT EXISTS (SELECT 1 FROM state.batch_audits b WHERE b.batch_id = s.batch_id)
    ON CONFLICT DO NOTHING
"""
_WATCH_EVERY = """
    UPDATE state.batch_audits SET every_message = true, reached = 0, silent = 0, done = false,
        next_at = now()
    WHERE organization_id = %s AND handed_over_at >= now() - %s AND NOT every_message
"""
_FOUND = """
    UPDATE state.webhook_audits SET found = found || coalesce((
        SELECT jsonb_object_agg(key, (value)::bigint + coalesce((found ->> key)::bigint, 0))
        FROM jsonb_each_text(%s)), '{}')
    WHERE organization_id = %s
"""
_UNHEARD = """
    SELECT k FROM unnest(%s::bytea[]) AS u (k) WHERE NOT EXISTS
        (SELECT 1 FROM state.webhook_seen WHERE organization_id = %s AND key = k)
"""
_BEHIND = """
    SELECT greatest(0, coalesce(extract(epoch FROM now() - (SELECT least(
            (SELECT min(next_at) FROM state.webhook_audits),
            (SELECT min(next_at) FROM state.batch_audits WHERE NOT done)))), 0))::float,
        (SELECT count(*) FROM state.batch_audits WHERE NOT done)
"""


@dataclass(frozen=True, slots=True)
class PostgresHeard:
    """The Heard. Thread-safe. An organization is first compared `after` it could be."""

    pool: ConnectionPool[Connection]
    after: timedelta

    def now(self) -> datetime:
        """Postgres's time."""
        return cast("datetime", self._one("SELECT now()", ())[0])

    def take(self) -> Audit | None:
        """An organization that is due."""
        with self.pool.connection() as connection:
            row = connection.execute(_TAKE, (_LEASE,)).fetchone()
        return Audit(*row) if row else None

    def enrol(self) -> None:
        """Let organizations whose webhooks are registered be compared from now on."""
        with self.pool.connection() as connection:
            connection.execute(_ENROL, (self.after,))

    def take_batch(self) -> BatchAudit | None:
        """A batch that is due."""
        with self.pool.connection() as connection:
            row = connection.execute(_TAKE_BATCH, (_LEASE,)).fetchone()
        return BatchAudit(*row) if row else None

    def routes(self, organization_id: str) -> Sequence[Route]:
        """The ways of batches handed over as long ago as the provider keeps what happens."""
        rows = self._all(
            "SELECT DISTINCT connection, message_stream FROM state.send_batches"
            " WHERE organization_id = %s AND handed_over_at >= now() - %s ORDER BY 1 DESC, 2",
            (organization_id, KEPT),
        )
        return [Route(*row) for row in rows]

    # --- counts and keys -------------------------------------------------------------------

    def counts(self, organization_id: str) -> Mapping[tuple[str, date], int]:
        """Observations by kind and day."""
        rows = self._all(
            "SELECT kind, day, heard FROM state.webhook_counts WHERE organization_id = %s",
            (organization_id,),
        )
        return {(kind, day): heard for kind, day, heard in rows}

    def looked_through(self, organization_id: str) -> Sequence[Count]:
        """The days that were looked through."""
        rows = self._all(
            "SELECT kind, day, theirs, ours FROM state.webhook_days WHERE organization_id = %s",
            (organization_id,),
        )
        return [Count(*row) for row in rows]

    def note_looked_through(self, organization_id: str, counts: Iterable[Count]) -> None:
        """These were looked through."""
        with self.pool.connection() as connection:
            connection.cursor().executemany(
                "INSERT INTO state.webhook_days (organization_id, kind, day, theirs, ours)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (organization_id, kind, day)"
                " DO UPDATE SET theirs = excluded.theirs, ours = excluded.ours",
                [(organization_id, *count) for count in counts],
            )

    def unheard(self, organization_id: str, keys: Collection[bytes]) -> set[bytes]:
        """Those never heard."""
        rows = self._all(_UNHEARD, (sorted(keys), organization_id)) if keys else []
        return {bytes(row[0]) for row in rows}

    def ours(self, organization_id: str, message_ids: Collection[str]) -> set[str]:
        """Messages of the ledger."""
        rows = self._all(
            "SELECT message_id FROM state.sends"
            " WHERE organization_id = %s AND message_id = ANY(%s::text[])",
            (organization_id, sorted(message_ids)),
        )
        return {row[0] for row in rows}

    def recorded(
        self, organization_id: str, delivery_ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """Events of these deliveries, by type."""
        rows = self._all(
            "SELECT stream_id, type, count(*) FROM log.events"
            " WHERE stream_id = ANY(%s::uuid[]) AND organization_id = %s GROUP BY 1, 2",
            (sorted(delivery_ids), organization_id),
        )
        counts: dict[str, Counter[str]] = {}
        for delivery, event_type, count in rows:
            counts.setdefault(delivery, Counter())[event_type] = count
        return counts

    # --- where it stands -------------------------------------------------------------------

    def watch_batches(self, organization_id: str, before: datetime) -> None:
        """Let batches handed over before then be looked up."""
        with self.pool.connection() as connection:
            connection.execute(_WATCH, (organization_id, KEPT, before))

    def watch_every_message(self, organization_id: str) -> None:
        """Let every message be looked up."""
        with self.pool.connection() as connection:
            connection.execute(_WATCH_EVERY, (organization_id, KEPT))

    def finish(self, audit: Audit, again: timedelta, found: Mapping[str, int]) -> None:
        """The organization was compared."""
        with self.pool.connection() as connection:
            connection.execute(
                "UPDATE state.webhook_audits SET next_at = now() + %s, failures = 0, problem = '',"
                " rounds = rounds + 1, finished_at = now() WHERE organization_id = %s",
                (again, audit.organization_id),
            )
            _add_found(connection, audit.organization_id, found)

    def postpone(self, audit: Audit, delay: timedelta, problem: str) -> None:
        """Try again later."""
        with self.pool.connection() as connection:
            connection.execute(
                "UPDATE state.webhook_audits SET next_at = now() + %s, failures = failures + 1,"
                " problem = %s WHERE organization_id = %s",
                (delay, problem, audit.organization_id),
            )

    def keep_batch(
        self, batch: BatchAudit, again: timedelta | None, found: Mapping[str, int]
    ) -> None:
        """Store how far the batch is."""
        with self.pool.connection() as connection:
            connection.execute(
                "UPDATE state.batch_audits SET every_message = %s, reached = %s, silent = %s,"
                " looks = %s, failures = %s, done = %s, next_at = now() + %s, under_way = false"
                " WHERE batch_id = %s",
                (batch.every_message, batch.reached, batch.silent, batch.looks, batch.failures,
                 again is None, again or timedelta(), batch.batch_id),
            )  # fmt: skip
            _add_found(connection, batch.organization_id, found)

    def measure(self) -> bool:
        """Enrol newcomers and set the gauges; always False: done until the next time."""
        self.enrol()
        behind, batches = self._one(_BEHIND, ())
        HEAL_BEHIND.set(behind)
        HEAL_BATCHES.set(batches)
        return False

    def _all(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self.pool.connection() as connection:
            return connection.execute(query.encode(), values).fetchall()

    def _one(self, query: str, values: Sequence[Any]) -> tuple[Any, ...]:
        return self._all(query, values)[0]


def _add_found(connection: Connection, organization_id: str, found: Mapping[str, int]) -> None:
    if found:
        connection.execute(_FOUND, (Jsonb(dict(found)), organization_id))

"""Deleting an organization: one transaction decides, the ledger is told, and all is swept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog

from api.ports import Answer, CommandTransaction
from api.routers.keys.book import CHANGED
from domain.organization.aggregate import Organization
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra.erasure.ledger import ErasureLedger
from infra.keys import announce
from infra.leaving.certificate import Departure, Kept, certify
from infra.leaving.sweeping import sweep_postgres
from infra.postgres import Connection, organization_transaction
from infra.signing import Signer
from infra.transactions import CommandLog
from schemas.codec import to_datetime

_PATIENTLY: Final = "SET LOCAL statement_timeout = '10min'"
_DEPART: Final = "SELECT state.depart(%s)"
_TELL: Final = "SELECT pg_notify(%s, ''), pg_notify('nudge_views', '')"
_DELETED: Final = """
    SELECT bytes, position FROM log.events WHERE stream_id = %s AND type = 'OrganizationDeleted'
"""
_LEFT: Final = """
    SELECT organization_id FROM log.events WHERE type = 'OrganizationDeleted' ORDER BY position
"""
_STAYS: Final = """
    SELECT type, count(*), count(DISTINCT stream_id), min(recorded_at), max(recorded_at)
    FROM log.events WHERE organization_id = %s AND position <= %s GROUP BY type ORDER BY type
"""
_log = structlog.get_logger("leaving")


@dataclass(frozen=True, slots=True)
class Departures:
    """Lets organizations leave. Thread-safe; blocks on Postgres and the disk."""

    log: CommandLog
    ledger: ErasureLedger
    signer: Signer

    def delete(self, organization_id: UUID, meta: Meta) -> Answer:
        """Destroy its keys and its people's, delete its rows: 200 with the certificate.

        Raises RuleViolatedError `organization_deleted`, and UnavailableError before anything is
        done when the ledger cannot be written; whatever is raised, nothing was done.
        """
        self.ledger.ensure_writable()
        answer, _ = self.log.run_once(organization_id, None, b"", lambda tx: depart(tx, meta))
        self.log.keys.forget()
        document = self.certificate(organization_id)
        self.ledger.append(document)
        try:
            sweep_postgres(self.log.pool.connection, organization_id)
        except psycopg.Error as error:  # decided and certified: the sweeper does it in a moment
            _log.warning(
                "swept later", organization_id=str(organization_id), reason=type(error).__name__
            )
        return Answer(200, document, answer.headers)

    def certificate(self, organization_id: UUID) -> Mapping[str, Any]:
        """The signed certificate of a deletion. Raises NotFoundError."""
        organization = str(organization_id)
        with organization_transaction(self.log.pool, organization) as connection:
            departure = self._departure(connection, organization)
        return self.ledger.find(organization) or certify(departure, self.signer)

    def catch_up(self, connection: Connection) -> int:
        """Give the ledger what the log has and it has not, after a crash between the two."""
        known = {entry.subject for entry in self.ledger.entries()}
        missing = [o for (o,) in connection.execute(_LEFT).fetchall() if o not in known]
        for organization in missing:
            self.ledger.append(certify(self._departure(connection, organization), self.signer))
        return len(missing)

    def _departure(self, connection: Connection, organization_id: str) -> Departure:
        rows = connection.execute(_DELETED, (organization_id,)).fetchall()
        if not rows:
            raise NotFoundError("deletion")
        (event,) = self.log.codec.decode_batch(rows, None)
        stays = connection.execute(_STAYS, (organization_id, event.position)).fetchall()
        return Departure(
            organization_id,
            event.position,
            to_datetime(event.occurred_at),
            event.actor,
            event.data["keys_destroyed"],
            [
                Kept(kind, events, streams, first.astimezone(UTC), last.astimezone(UTC))
                for kind, events, streams, first, last in stays
            ],
        )


def depart(tx: CommandTransaction, meta: Meta) -> Answer:
    """Destroy the keys, close every way in, and record it, in the caller's transaction."""
    organization = tx.load(Organization, tx.organization_id)
    organization.ensure_there()
    organization.delete(destroy(tx), meta)
    tx.save(organization)
    return Answer(200, None)


def destroy(tx: CommandTransaction) -> int:
    """Destroy every key of the transaction's organization and close its ways in; how many keys."""
    tx.connection.execute(_PATIENTLY)
    row = tx.connection.execute(_DEPART, (tx.organization_id,)).fetchone()
    announce(tx.connection)
    tx.connection.execute(_TELL, (CHANGED,))
    return int(row[0]) if row else 0

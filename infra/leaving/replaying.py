"""Deletions done again after a restore: organizations that a backup brought back go once more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from domain.organization.aggregate import Organization
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.erasure.ledger import Entry
from infra.leaving.deleting import destroy
from infra.leaving.sweeping import sweep_postgres
from infra.transactions import PostgresTransaction


def depart_again(core: Core, entries: Iterable[Entry]) -> int:
    """Carry out every deletion of the ledger that the log does not have; how many.

    Keys are destroyed and rows deleted in any case, and never made for who left.
    """
    again = 0
    for entry in entries:
        organization_id = UUID(entry.subject)
        done, _ = core.commands.run(
            organization_id,
            lambda tx, entry=entry: _depart(tx, entry),  # type: ignore[misc]
        )
        again += done
        sweep_postgres(core.pool.connection, organization_id)
    core.keys.forget()
    return again


def _depart(tx: PostgresTransaction, entry: Entry) -> int:
    try:
        organization = tx.load(Organization, tx.organization_id)
    except NotFoundError:
        destroy(tx)
        return 0
    destroy(tx)
    if organization.deleted:
        return 0
    said, request = entry.statement, uuid4()
    at = datetime.fromisoformat(said["deleted_at"])
    # As it was decided then: by the same, at the same time.
    meta = Meta(tx.organization_id, said["actor"], request, request, at)
    organization.delete(said["keys_destroyed"], meta)
    tx.save(organization)
    return 1

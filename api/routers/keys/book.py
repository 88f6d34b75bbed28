"""Keys in force at once: what a command decided about a key, where every replica looks it up."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.ports import CommandTransaction
from domain.organization.aggregate import Organization
from domain.shared.meta import Meta

CHANGED: Final = "nudge_keys"
"""Notified when a key was made, replaced or revoked."""
_WRITE = """
    INSERT INTO state.api_keys (id, organization_id, secret_hash, scopes, ends_at, revoked_at)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (id)
    DO UPDATE SET ends_at = excluded.ends_at, revoked_at = excluded.revoked_at
"""


def put_in_force(
    tx: CommandTransaction, organization: Organization, key_id: UUID, meta: Meta
) -> None:
    """Let the key be what it is now, with this transaction and on every replica."""
    key = organization.api_key(key_id)
    tx.connection.execute(
        _WRITE,
        (
            key_id,
            organization.organization_id,
            key.secret_hash,
            list(key.scopes),
            key.ends_at,
            meta.now if key.revoked else None,
        ),
    )
    tx.connection.execute("SELECT pg_notify(%s, '')", (CHANGED,))

"""API keys: the hash that a caller's key must have, what it may do, whether it still may."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment
from schemas.codec import Event


class ApiKeyRow(NamedTuple):
    """One key of an organization; the secret itself is stored nowhere."""

    id: str
    organization_id: str
    secret_hash: bytes
    prefix: str
    scopes: list[str]
    revoked_at: datetime | None
    created_at: datetime
    position: int
    version: int


def fold(row: ApiKeyRow | None, event: Event) -> ApiKeyRow | None:
    """The key after the event."""
    if row is not None and event.position <= row.position:
        return row  # seen before
    match event.type:
        case "ApiKeyIssued":
            return ApiKeyRow(
                id=event.data["key_id"],
                organization_id=event.organization_id,
                secret_hash=event.data["secret_hash"],
                prefix=event.data["prefix"],
                scopes=list(event.data["scopes"]),
                revoked_at=None,
                created_at=moment(event),
                position=event.position,
                version=event.version,
            )
        case "ApiKeyRevoked" if row:
            return row._replace(
                revoked_at=moment(event), position=event.position, version=event.version
            )
    return row


def _key(event: Event) -> str:
    key_id: str = event.data["key_id"]
    return key_id


VIEW = View(
    name="api_keys",
    row=ApiKeyRow,
    events=frozenset({"ApiKeyIssued", "ApiKeyRevoked"}),
    key_of=_key,
    fold=fold,
    reads_sealed=False,
)

"""API keys: the hash that a caller's key must have, what it may do, whether it still may."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, moment_or_none, text
from schemas.codec import Event


class ApiKeyRow(NamedTuple):
    """One key of an organization; the secret itself is stored nowhere.

    `ends_at`: its expiry, or the end of the overlap with its successor.
    """

    id: str
    organization_id: str
    secret_hash: bytes
    prefix: str
    scopes: list[str]
    revoked_at: datetime | None
    created_at: datetime
    created_by: str
    name: str
    ends_at: datetime | None
    replaces: str | None
    replaced_by: str | None
    position: int
    version: int


def fold(row: ApiKeyRow | None, event: Event) -> ApiKeyRow | None:
    """The key after the event."""
    if row is not None and event.position <= row.position:
        return row  # seen before
    match event.type:
        case "ApiKeyIssued":
            return _issued(event)
        case "ApiKeyReplaced" if row:
            changed = row._replace(
                replaced_by=event.data["replaced_by"],
                ends_at=moment_or_none(event.data["ends_at"]),
            )
        case "ApiKeyRevoked" if row:
            changed = row._replace(revoked_at=moment(event))
        case _:
            return row
    return changed._replace(position=event.position, version=event.version)


def _issued(event: Event) -> ApiKeyRow:
    data = event.data
    return ApiKeyRow(
        id=data["key_id"],
        organization_id=event.organization_id,
        secret_hash=data["secret_hash"],
        prefix=data["prefix"],
        scopes=list(data["scopes"]),
        revoked_at=None,
        created_at=moment(event),
        created_by=event.actor,
        name="" if data["name"] is None else text(data["name"]),
        ends_at=moment_or_none(data["expires_at"]),
        replaces=data["replaces"],
        replaced_by=None,
        position=event.position,
        version=event.version,
    )


def _key(event: Event) -> str:
    key_id: str = event.data["key_id"]
    return key_id


VIEW = View(
    name="api_keys",
    row=ApiKeyRow,
    events=frozenset({"ApiKeyIssued", "ApiKeyReplaced", "ApiKeyRevoked"}),
    key_of=_key,
    fold=fold,
)

"""Users: who works in an organization, with which role."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, stream_id, text
from schemas.codec import Event


class UserRow(NamedTuple):
    """One user. Of a removed one address and name are empty."""

    id: str
    organization_id: str
    email: str
    name: str
    role: str
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


def fold(row: UserRow | None, event: Event) -> UserRow | None:
    """The user after the event."""
    if row is None:
        return _registered(event) if event.type == "UserRegistered" else None
    if event.position <= row.position:
        return row  # seen before
    changed = row._replace(updated_at=moment(event), position=event.position, version=event.version)
    match event.type:
        case "UserRoleChanged":
            return changed._replace(role=event.data["role"])
        case "UserRemoved":
            return changed._replace(email="", name="", removed_at=moment(event))
    return changed


def _registered(event: Event) -> UserRow:
    now = moment(event)
    return UserRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        email=text(event.data["email"]),
        name=text(event.data["name"]),
        role=event.data["role"],
        removed_at=None,
        created_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
    )


VIEW = View(
    name="users",
    row=UserRow,
    events=frozenset({"UserRegistered", "UserRoleChanged", "UserPasswordChanged", "UserRemoved"}),
    key_of=stream_id,
    fold=fold,
)

"""Invitations: who may become a user, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, stream_id, text
from schemas.codec import Event, to_datetime


class InvitationRow(NamedTuple):
    """One invitation. Once it is over the address is empty: it is the user's, or nobody's."""

    id: str
    organization_id: str
    user_id: str
    email: str
    role: str
    status: str
    invited_by: str
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


_ENDS = {"InvitationRevoked": "revoked", "InvitationAccepted": "accepted"}


def fold(row: InvitationRow | None, event: Event) -> InvitationRow | None:
    """The invitation after the event."""
    if row is None:
        return _created(event) if event.type == "InvitationCreated" else None
    if event.position <= row.position:
        return row  # seen before
    changed = row._replace(updated_at=moment(event), position=event.position, version=event.version)
    if status := _ENDS.get(event.type):
        return changed._replace(status=status, email="")
    return changed


def _created(event: Event) -> InvitationRow:
    now = moment(event)
    return InvitationRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        user_id=event.data["user_id"],
        email=text(event.data["email"]),
        role=event.data["role"],
        status="open",
        invited_by=event.actor,
        expires_at=to_datetime(event.data["expires_at"]),
        created_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
    )


VIEW = View(
    name="invitations",
    row=InvitationRow,
    events=frozenset({"InvitationCreated", *_ENDS}),
    key_of=stream_id,
    fold=fold,
)

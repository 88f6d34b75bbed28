"""Analyst logins: what they are for, and whether they are still admitted."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, stream_id, text
from schemas.codec import Event


class AnalystRow(NamedTuple):
    """One login; its password's hash is in `state.analyst_secrets` while it is admitted."""

    id: str
    organization_id: str
    name: str
    created_by: str
    created_at: datetime
    revoked_at: datetime | None
    position: int
    version: int


def fold(row: AnalystRow | None, event: Event) -> AnalystRow | None:
    """The login after the event."""
    if row is not None and event.position <= row.position:
        return row  # seen before
    match event.type:
        case "AnalystCreated":
            return AnalystRow(
                id=event.stream_id,
                organization_id=event.organization_id,
                name=text(event.data["name"]),
                created_by=event.actor,
                created_at=moment(event),
                revoked_at=None,
                position=event.position,
                version=event.version,
            )
        case "AnalystRevoked" if row:
            return row._replace(
                revoked_at=moment(event), position=event.position, version=event.version
            )
    return row


VIEW = View(
    name="analysts",
    row=AnalystRow,
    events=frozenset({"AnalystCreated", "AnalystRevoked"}),
    key_of=stream_id,
    fold=fold,
)

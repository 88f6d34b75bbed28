"""The organization's own events, as the log holds them."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, ServicesOf, allow
from api.personal_reads import PersonalReads
from api.ports import Connection
from api.requests import read
from schemas.codec import Event, to_datetime

router = APIRouter(prefix="/v1/events", tags=["events"])
_SELECT = (
    "SELECT bytes, position FROM log.events WHERE organization_id = %(organization)s"
    " AND position > %(after)s"
    " AND (%(type)s::text IS NULL OR type = %(type)s)"
    " AND (%(stream)s::uuid IS NULL OR stream_id = %(stream)s)"
    " ORDER BY position LIMIT %(limit)s"
)
CONCEALED: Final = "***"
CREDENTIALS: Final = {"PostmarkConnected": frozenset({"server_token", "webhook_password"})}
"""Fields by event type that let their reader in somewhere: shown to nobody."""


def show(event: Event) -> dict[str, Any]:
    """An event as the API shows it; bytes as hexadecimal text."""
    return {
        "position": event.position,
        "event_id": event.event_id,
        "type": event.type,
        "schema_version": event.schema_version,
        "stream": event.stream_id,
        "version": event.version,
        "organization_id": event.organization_id,
        "occurred_at": to_datetime(event.occurred_at).isoformat().replace("+00:00", "Z"),
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "actor": event.actor,
        "data": {
            name: _shown(value, secret=name in CREDENTIALS.get(event.type, ()))
            for name, value in event.data.items()
        },
    }


def _shown(value: Any, *, secret: bool) -> Any:
    if secret:
        return CONCEALED
    return value.hex() if isinstance(value, bytes) else value


@router.get("", dependencies=[allow("audit:read", sometimes=["contacts:read"])])
async def list_events(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    type: str | None = None,  # noqa: A002 - the contract's name
    stream: UUID | None = None,
) -> dict[str, Any]:
    """Events behind a position, oldest first; personal fields in plain text for who may read
    contacts, which is recorded once per caller and day, and masked for everybody else."""
    unsealed = "contacts:read" in caller.permissions
    if unsealed:
        recorder: PersonalReads = request.app.state.personal_reads
        await run_in_threadpool(recorder.record, request, caller, services, "events")

    def look(connection: Connection) -> list[Event]:
        rows = connection.execute(
            _SELECT,
            {
                "organization": caller.organization_id,
                "after": after,
                "type": type,
                "stream": stream,
                "limit": limit,
            },
        ).fetchall()
        return services.decode_events(connection, [(row[0], row[1]) for row in rows], unsealed)

    events = await read(request, caller, services, [], look)
    last = events[-1].position if len(events) == limit else None
    return {"items": [show(event) for event in events], "next_after": last}

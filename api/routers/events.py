"""The organization's own events, as the log holds them."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.auth import CONCEALED, Caller, ServicesOf, allow
from api.errors import Problem
from api.personal_reads import PersonalReads
from api.ports import Connection
from api.requests import read, required
from domain.shared.errors import UnavailableError
from schemas.codec import Event, to_datetime
from schemas.registry import default_registry

router = APIRouter(prefix="/v1/events", tags=["events"])
_SELECT = (
    "SELECT bytes, position FROM log.events WHERE organization_id = %(organization)s"
    " AND position > %(after)s"
    " AND (%(type)s::text IS NULL OR type = %(type)s)"
    " AND (%(stream)s::uuid IS NULL OR stream_id = %(stream)s)"
    " ORDER BY position LIMIT %(limit)s"
)
_OWN = "SELECT 1 FROM log.events WHERE organization_id = %s AND position = %s"
Position = Annotated[int, Path(ge=1, le=2**63 - 1, description="Of the event.")]
PROOF_RESPONSE: Final[dict[str, Any]] = {
    "description": "The event's bytes, its place, the signed head, and the hashes between.",
    "content": {
        "application/json": {
            "example": {
                "kind": "inclusion",
                "event": {
                    "position": 1200,
                    "stream": "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10",
                    "version": 3,
                    "type": "CampaignApproved",
                    "bytes": "AAAAAAg=",
                },
                "index": 1187,
                "head": {
                    "log": "7d0c8f0e-3f4e-4d7e-9a41-0d3f6c2b9f11",
                    "size": 1190,
                    "root": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "position": 1203,
                    "at": "2026-11-20T10:00:00Z",
                    "key": "ed25519 public key, as text",
                    "signature": "its signature, as text",
                },
                "path": ["60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"],
            }
        }
    },
}
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


def masked(event: Event) -> Event:
    """An event that was decoded without keys, with a mark where its sealed fields stand."""
    for group in default_registry().latest(event.type).sealed:
        hidden = dict.fromkeys(group.names, CONCEALED)
        if group.array is None:
            event.data |= hidden
        else:
            event.data[group.array] = [{**each, **hidden} for each in event.data[group.array]]
    return event


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
        found = services.decode_events(connection, [(row[0], row[1]) for row in rows], unsealed)
        return found if unsealed else [masked(event) for event in found]

    events = await read(request, caller, services, [], look)
    last = events[-1].position if len(events) == limit else None
    return {"items": [show(event) for event in events], "next_after": last}


@router.get(
    "/{position}/proof", responses={200: PROOF_RESPONSE}, dependencies=[allow("audit:read")]
)
async def proof(
    request: Request, position: Position, caller: Caller, services: ServicesOf
) -> Response:
    """The proof that an event is in the log, under the newest signed head; its bytes sealed."""

    def look(connection: Connection) -> Response:
        values = (caller.organization_id, position)
        required(connection.execute(_OWN, values).fetchone(), "event")
        try:
            return JSONResponse(services.prove_event(connection, position))
        except UnavailableError as error:
            later = {"Retry-After": "10"}
            raise Problem(503, "not_proven_yet", str(error), headers=later) from None

    return await read(request, caller, services, [], look)

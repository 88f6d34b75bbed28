"""What auditors ask: who did, or tried to do, what."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.requests import body_of, read
from api.routers.contacts.schemas import instant
from domain.security.events import Kind
from projections.queries.rows import Row
from projections.queries.security import list_security_events

router = APIRouter(prefix="/v1/audit", tags=["audit"])
VIEWS: Final = ["security_events"]
_EXAMPLE: Final[dict[str, Any]] = {
    "items": [
        {
            "id": "32162e17-f9fb-5d90-849e-3e2b87f0f00e",
            "kind": "export",
            "subject": "5f3f9a52-1f0f-4a5e-8f0a-1b2c3d4e5f60",
            "what": "contact",
            "actor": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
            "at": "2026-11-20T10:00:00Z",
            "position": 48213,
        }
    ],
    "page": 1,
    "limit": 50,
    "total": 1,
    "next_after": None,
}
_RESPONSE: Final[dict[str, Any]] = {
    "description": "Security events, the newest first.",
    "content": {"application/json": {"example": _EXAMPLE}},
}
Text = Annotated[str | None, Query(max_length=100)]


def show(row: Row) -> dict[str, Any]:
    """One security event."""
    same = ("id", "kind", "subject", "what", "actor", "position")
    return {**{name: row[name] for name in same}, "at": instant(row["occurred_at"])}


@router.get("", dependencies=[allow("audit:read")], responses={200: _RESPONSE})
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    kind: Kind | None = None,
    subject: Text = None,
    actor: Text = None,
    what: Text = None,
) -> dict[str, Any]:
    """The organization's security events, the newest first; network addresses stay sealed."""
    filters = {"kind": kind, "subject": subject, "actor": actor, "what": what}
    page = await read(
        request, caller, services, VIEWS,
        lambda connection: list_security_events(connection, filters, part),
    )  # fmt: skip
    return body_of(page, show)

"""A person's rights: everything that is stored about them, and the proof that they are erased."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, ServicesOf, allow
from api.ports import Connection
from api.requests import meta_of, read, required
from api.routers.contacts.examples import CERTIFICATE_RESPONSE, EXPORT_RESPONSE
from api.routers.contacts.schemas import instant, show_row
from api.security import note, seen_by
from projections.queries.persons import everything_about

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])
VIEWS = ["contacts", "deliveries", "turns"]


@router.get(
    "/{contact_id}/export",
    responses={200: EXPORT_RESPONSE},
    dependencies=[allow("contacts:export")],
)
async def export(
    request: Request, contact_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Everything that is stored about a person, a deleted contact included, as a file.

    Every export is recorded before it is given.
    """

    def look(connection: Connection) -> dict[str, Any] | None:
        return everything_about(
            connection,
            lambda conn, values: services.decode_events(conn, values, True),
            str(caller.organization_id),
            str(contact_id),
            services.hash_address,
        )

    found = required(await read(request, caller, services, VIEWS, look), "contact")
    fact = seen_by(request, "export", subject=str(contact_id), what="contact")
    await run_in_threadpool(note, services, fact, meta_of(request, caller, services))
    row = found["contact"]
    shown = {**found, "contact": {**show_row(row), "deleted": row["deleted"]}}
    disposition = f'attachment; filename="contact-{contact_id}.json"'
    return JSONResponse(plain(shown), headers={"Content-Disposition": disposition})


@router.get(
    "/{contact_id}/erasure",
    responses={200: CERTIFICATE_RESPONSE},
    dependencies=[allow("audit:read")],
)
async def erasure(contact_id: UUID, caller: Caller, services: ServicesOf) -> dict[str, Any]:
    """The signed certificate of a contact's erasure."""
    found = await run_in_threadpool(
        services.erasures.certificate, caller.organization_id, contact_id
    )
    return dict(required(found, "erasure"))


def plain(value: Any) -> Any:
    """The value as JSON can say it: times as RFC 3339, bytes as hexadecimal text."""
    match value:
        case datetime():
            return instant(value)
        case bytes():
            return value.hex()
        case Mapping():
            return {name: plain(each) for name, each in value.items()}
        case list():
            return [plain(each) for each in value]
    return value

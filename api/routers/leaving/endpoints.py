"""The endpoints of who leaves: everything taken out as one stream, and the deletion."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, Callers, ServicesOf, allow
from api.document import refuses
from api.requests import meta_of, response_of
from api.routers.leaving.examples import CERTIFICATE_RESPONSE, EXPORT_RESPONSE
from api.routers.leaving.exporting import chunks
from api.security import note, seen_by
from domain.shared.errors import InvalidValueError

router = APIRouter(prefix="/v1/organization", tags=["organization"])
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="Only events behind this position.")]
Confirm = Annotated[UUID, Query(description="The organization's id, once more.")]


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: EXPORT_RESPONSE},
    dependencies=[allow("organization:delete")],
)
async def export(
    request: Request, caller: Caller, services: ServicesOf, after: After = 0
) -> StreamingResponse:
    """Everything the organization has: all its events in plain text, then what it shows now.

    Every export is recorded before it is given. Secrets are left out.
    """
    organization = str(caller.organization_id)
    fact = seen_by(request, "export", subject=organization, what="organization")
    await run_in_threadpool(note, services, fact, meta_of(request, caller, services))
    disposition = f'attachment; filename="organization-{organization}.ndjson"'
    return StreamingResponse(
        chunks(services, organization, after),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": disposition},
    )


@router.delete(
    "",
    responses={200: CERTIFICATE_RESPONSE, **refuses(404)},
    dependencies=[allow("organization:delete")],
)
async def delete(
    request: Request, caller: Caller, services: ServicesOf, confirm: Confirm
) -> Response:
    """Delete the organization for good: its keys and its people's are destroyed, its rows go, its
    API keys and sessions end. The signed certificate says what stays readable. Nobody can undo it.
    """
    if confirm != caller.organization_id:
        raise InvalidValueError(
            "confirm", "not_confirmed", "Say the id of your own organization to delete it."
        )
    meta = meta_of(request, caller, services)
    answer = await run_in_threadpool(services.departures.delete, caller.organization_id, meta)
    callers: Callers = request.app.state.callers
    callers.keys.forget()  # here at once; other processes are notified
    return response_of(answer)

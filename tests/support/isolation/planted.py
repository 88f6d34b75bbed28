"""Endpoints with holes, as somebody might write them by mistake: the walk has to find each."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from api.auth import Caller
from infra.bootstrap import Core

HOLES: Final = {
    "GET /planted/contacts/{contact_id}": "shows",
    "GET /planted/contacts": "shows",
    "GET /planted/campaigns/{campaign_id}": "shows",
    "POST /planted/businesses/{business_id}/rename": "changed the other's views.businesses",
    "POST /planted/notes": "for another's id",
    "GET /planted/deliveries/{delivery_id}": "for another's id",
}
"""Endpoint -> how the walk has to complain of it."""


class Note(BaseModel):
    """What is posted about a contact."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"contact_id": str(UUID(int=1))}]})
    contact_id: UUID


def planted(core: Core) -> APIRouter:
    """The endpoints; `core` connects as a login that sees every organization."""
    router = APIRouter(prefix="/planted", tags=["planted"])

    def one(query: str, value: object) -> Any:
        with core.pool.connection() as connection:
            row = connection.execute(query.encode(), (value,)).fetchone()
            return row[0] if row else None

    @router.get("/contacts/{contact_id}")
    async def by_id_alone(contact_id: UUID, caller: Caller) -> dict[str, Any]:
        return {"name": one("SELECT first_name FROM views.contacts WHERE id = %s", contact_id)}

    @router.get("/contacts")
    async def by_address_alone(caller: Caller, email: str = "") -> dict[str, Any]:
        return {"name": one("SELECT first_name FROM views.contacts WHERE email = %s", email)}

    @router.get("/campaigns/{campaign_id}")
    async def in_a_header(campaign_id: UUID, caller: Caller) -> JSONResponse:
        name = one("SELECT content_hash FROM views.campaigns WHERE id = %s", campaign_id)
        return JSONResponse({}, 404, headers={"ETag": f'"{name}"'})

    @router.post("/businesses/{business_id}/rename")
    async def silently(business_id: UUID, caller: Caller) -> JSONResponse:
        one("UPDATE views.businesses SET name = name || '!' WHERE id = %s RETURNING 1", business_id)
        return JSONResponse({}, 404)

    @router.post("/notes", status_code=201)
    async def about_anybody(note: Note, caller: Caller) -> dict[str, Any]:
        return {}

    @router.get("/deliveries/{delivery_id}")
    async def that_it_is_there(delivery_id: UUID, caller: Caller) -> JSONResponse:
        there = one("SELECT 1 FROM views.deliveries WHERE id = %s", delivery_id)
        return JSONResponse({}, 403 if there else 404)

    return router

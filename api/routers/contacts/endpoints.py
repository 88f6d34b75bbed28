"""Contacts one at a time."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.as_of import AsOf, header_of, past_of, was_there
from api.auth import Caller, ServicesOf, allow
from api.paging import Part
from api.ports import Answer, CommandTransaction, Connection
from api.requests import (
    body_of,
    command,
    ensure_unchanged,
    etag,
    meta_of,
    read,
    required,
    response_of,
)
from api.routers.contacts.examples import CERTIFICATE_RESPONSE
from api.routers.contacts.schemas import ContactIn, ContactPatch, show, show_row
from domain.contact.aggregate import Contact
from domain.contact.handlers import AddContact, add_contact, delete_contact, revise_contact
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from projections.history.rows import contact_as_of
from projections.queries.contacts import contact_by_email, get_contact, list_contacts
from projections.queries.rows import Page

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])
VIEWS = ["contacts"]


@router.post("", status_code=201, dependencies=[allow("contacts:write")])
async def post(request: Request, body: ContactIn, caller: Caller, services: ServicesOf) -> Response:
    """Add a contact; an address is one contact."""
    add = AddContact(services.new_id(), body.details(), body.consent.consent())

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        contact = add_contact(tx, add, services.hash_address, meta)
        location = {"Location": f"/v1/contacts/{contact.id}", "ETag": etag(contact.version)}
        return Answer(201, show(contact), location)

    return await command(request, caller, services, decide)


@router.get("", dependencies=[allow("contacts:read")])
async def list_all(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    part: Part,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    consent_status: Literal["granted", "unknown", "withdrawn"] | None = None,
    suppression: str | None = None,
) -> dict[str, Any]:
    """The organization's contacts, or the one with an address."""
    filters = {
        "first_name": first_name,
        "last_name": last_name,
        "consent_status": consent_status,
        "suppression": suppression,
    }

    def look(connection: Connection) -> Page:
        if email is None:
            return list_contacts(connection, filters, part)
        found = contact_by_email(connection, str(caller.organization_id), email)
        items = [found] if found else []
        return Page(items, 1, part.limit, len(items), None)

    return body_of(await read(request, caller, services, VIEWS, look), show_row)


@router.get("/{contact_id}", dependencies=[allow("contacts:read")])
async def get(
    request: Request, contact_id: UUID, caller: Caller, services: ServicesOf, as_of: AsOf = None
) -> Response:
    """One contact, as it is or as it was; `erased` says whether its past can be read."""
    if as_of is not None:
        return await _past(request, contact_id, caller, services, as_of)
    row = await read(
        request, caller, services, VIEWS,
        lambda connection: get_contact(connection, str(contact_id)),
    )  # fmt: skip
    found = required(row, "contact")
    return JSONResponse(show_row(found), headers={"ETag": etag(found["version"])})


async def _past(
    request: Request, contact_id: UUID, caller: Caller, services: ServicesOf, as_of: str
) -> Response:
    def look(connection: Connection) -> Response:
        past = past_of(connection, caller, services, as_of)
        row = was_there(contact_as_of(past, str(contact_id)), past, str(contact_id), "contact")
        found = required(None if row["deleted"] else row, "contact")
        body = {**show_row(found), "erased": found["erased"]}
        return JSONResponse(body, headers=header_of(past))

    return await read(request, caller, services, [], look)


@router.patch("/{contact_id}", dependencies=[allow("contacts:write")])
async def patch(
    request: Request, contact_id: UUID, body: ContactPatch, caller: Caller, services: ServicesOf
) -> Response:
    """Describe a contact differently."""
    consent = body.consent.consent() if body.consent else None

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        contact = _there(tx, contact_id)
        ensure_unchanged(request, contact.version)
        details = body.applied_to(contact.details)
        revise_contact(tx, contact, details, consent, services.hash_address, meta)
        return Answer(200, show(contact), {"ETag": etag(contact.version)})

    return await command(request, caller, services, decide)


@router.delete(
    "/{contact_id}",
    status_code=204,
    responses={200: CERTIFICATE_RESPONSE, 204: {}},
    dependencies=[allow("contacts:write", sometimes=["contacts:erase"])],
)
async def delete(
    request: Request, contact_id: UUID, caller: Caller, services: ServicesOf, erase: bool = False
) -> Response:
    """Hide a contact and never mail the address again. With `erase=true` forget the person for
    good: the keys of what is sealed for them are destroyed, and a signed certificate says so."""
    if erase:
        caller.ensure("contacts:erase")
        meta = meta_of(request, caller, services)
        return response_of(
            await run_in_threadpool(
                services.erasures.erase, caller.organization_id, contact_id, meta
            )
        )

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        delete_contact(tx, _there(tx, contact_id), meta)
        return Answer(204, None)

    return await command(request, caller, services, decide)


def _there(tx: CommandTransaction, contact_id: UUID) -> Contact:
    contact = tx.load(Contact, contact_id)
    if contact.deleted:
        raise NotFoundError("contact")
    return contact

"""The link in every mail: looking at it changes nothing, posting to it unsubscribes."""

from __future__ import annotations

from html import escape
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from api.auth import ServicesOf
from api.headers import hash_of, policy
from api.ports import Answer, CommandTransaction, Services, Unsubscription
from domain.contact.unsubscribe import read_token
from domain.shared.meta import Meta

router = APIRouter(prefix="/u", tags=["unsubscribe"])

_STYLE: Final = """body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem;
margin: 4rem auto; padding: 0 1rem; color: #1c2733 }
button { font: inherit; padding: .6rem 1.4rem; border: 0;
border-radius: .4rem; background: #1f5fd0; color: #fff; cursor: pointer }"""
_HEADERS: Final = {
    "Content-Security-Policy": policy(style_src=hash_of(_STYLE), form_action="'self'"),
    "X-Robots-Tag": "noindex",
}
_NOT_VALID: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "The link is not valid.", "content": {"text/html": {}}}
}
_ASK = """<p>You will get no more e-mails of this kind at this address.</p>
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button type="submit">Unsubscribe</button></form>"""


def page(title: str, inside: str, status: int = 200) -> HTMLResponse:
    """A small page without scripts. `inside` is HTML of our own."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>{_STYLE}</style></head>
<body><main><h1>{escape(title)}</h1>
{inside}
</main></body></html>""",
        status,
        headers=_HEADERS,
    )


def _unknown() -> HTMLResponse:
    return page("This link is not valid", "<p>Please use the link in the newest e-mail.</p>", 404)


@router.get("/{token}", response_class=HTMLResponse, responses=_NOT_VALID)
async def ask(token: str, services: ServicesOf) -> HTMLResponse:
    """Show the question. Scanners follow links, so looking changes nothing."""
    found = await run_in_threadpool(find_mail, services, token)
    return _unknown() if found is None else page("Unsubscribe?", _ASK)


@router.post("/{token}", response_class=HTMLResponse, responses=_NOT_VALID)
async def unsubscribe(token: str, request: Request, services: ServicesOf) -> HTMLResponse:
    """Unsubscribe, also by one click (RFC 8058). Doing it twice is as good as once."""
    found = await run_in_threadpool(find_mail, services, token)
    if found is None:
        return _unknown()
    organization_id, said = found
    correlation: UUID = request.state.correlation_id
    meta = Meta(organization_id, "recipient", correlation, correlation, services.clock())

    def decide(tx: CommandTransaction) -> Answer:
        services.unsubscriptions.record(tx, said, meta)
        return Answer(200, None)

    await run_in_threadpool(services.commands.run_once, organization_id, None, b"", decide)
    return page("You are unsubscribed", "<p>No more e-mails of this kind will be sent to you.</p>")


def find_mail(services: Services, token: str) -> tuple[UUID, Unsubscription] | None:
    """Organization of a link in a mail to a contact, and what using it says; None for any other."""
    mailed = read_token(services.unsubscribe_secret, token)
    if mailed is None:
        return None
    with services.reads.anonymous() as connection:
        row = connection.execute(
            "SELECT organization_id, contact_id, kind FROM views.find_delivery(%s::uuid)",
            (mailed.delivery_id,),
        ).fetchone()
    if row is None or row[2] != "campaign":
        return None
    said = Unsubscription(UUID(row[1]), UUID(mailed.delivery_id), mailed.address_hmac)
    return UUID(row[0]), said

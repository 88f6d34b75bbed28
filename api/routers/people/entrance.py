"""The doors of the entrance: sign up, verify, log in, refresh, log out, a new password."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Depends, Response
from starlette.concurrency import run_in_threadpool

from api.auth import ServicesOf
from api.people import SignUp
from api.routers.people.entering import (
    COOKIE,
    VisitOf,
    admitted,
    at_the_door,
    from_our_own_pages,
    without_cookie,
)
from api.routers.people.examples import ASKED_RESPONSE, REFUSALS, TOKENS_RESPONSE
from api.routers.people.schemas import AddressIn, LogInIn, ResetIn, SignUpIn, TokenIn
from domain.contact.values import EmailAddress
from domain.people.errors import bad_refresh_token

router = APIRouter(
    prefix="/v1/auth",
    tags=["entrance"],
    dependencies=[Depends(from_our_own_pages)],
    responses=REFUSALS,
)
well_known = APIRouter(tags=["entrance"])
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE)]
_ASKED = {"status": "check_your_mail"}


@router.post("/signup", status_code=202, responses={202: ASKED_RESPONSE})
async def sign_up(body: SignUpIn, services: ServicesOf, visit: VisitOf) -> dict[str, Any]:
    """Ask for an organization. A link is mailed; the answer tells nobody who has an account."""
    wanted = SignUp(*body.checked())
    await at_the_door(services, services.people.entrance.sign_up, wanted, visit)
    return _ASKED


@router.post("/verify", responses={200: TOKENS_RESPONSE})
async def verify(body: TokenIn, services: ServicesOf, visit: VisitOf) -> Response:
    """Confirm the address of a sign-up: the organization and its owner exist from now on."""
    return admitted(await at_the_door(services, services.people.entrance.verify, body.token, visit))


@router.post("/login", responses={200: TOKENS_RESPONSE})
async def log_in(body: LogInIn, services: ServicesOf, visit: VisitOf) -> Response:
    """Begin a session. After failures the next attempt has to wait (429), whoever it is for."""
    address = EmailAddress.parse(body.email)
    return admitted(
        await at_the_door(services, services.people.entrance.log_in, address, body.password, visit)
    )


@router.post("/refresh", responses={200: TOKENS_RESPONSE})
async def refresh(services: ServicesOf, visit: VisitOf, cookie: RefreshCookie = None) -> Response:
    """The next pair of tokens for the cookie's, which is used up: again ends the session."""
    if not cookie:
        raise bad_refresh_token()
    return admitted(await at_the_door(services, services.people.entrance.refresh, cookie, visit))


@router.post("/logout", status_code=204)
async def log_out(services: ServicesOf, visit: VisitOf, cookie: RefreshCookie = None) -> Response:
    """End the session of the cookie, and take the cookie away. Again is as good as once."""
    if cookie:
        await at_the_door(services, services.people.entrance.log_out, cookie, visit)
    return without_cookie(Response(status_code=204))


@router.post("/password-reset", status_code=202, responses={202: ASKED_RESPONSE})
async def ask_reset(body: AddressIn, services: ServicesOf, visit: VisitOf) -> dict[str, Any]:
    """Ask for a link to choose a new password; the same answer for every address."""
    address = EmailAddress.parse(body.email)
    await at_the_door(services, services.people.entrance.ask_reset, address, visit)
    return _ASKED


@router.post("/password-reset/confirm", status_code=204)
async def reset(body: ResetIn, services: ServicesOf, visit: VisitOf) -> Response:
    """Choose a new password with such a link; every session of the user ends."""
    await at_the_door(services, services.people.entrance.reset, body.token, body.password, visit)
    return without_cookie(Response(status_code=204))


@well_known.get("/.well-known/jwks.json")
async def jwks(services: ServicesOf, response: Response) -> dict[str, Any]:
    """The public keys of access tokens: the one that signs, and those before it still believed."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return dict(await run_in_threadpool(services.people.jwks))

"""What the doors of the entrance share: who knocks, the cookie, where a request comes from."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse

from api.auth import ServicesOf
from api.errors import Problem
from api.people import Admitted, Visit
from api.ports import Services

R = TypeVar("R", bound=Response)
T = TypeVar("T")
_log = structlog.get_logger("api")
COOKIE: Final = "nudge_refresh"
COOKIE_PATH: Final = "/v1/auth"
_OWN: Final = ("same-origin", "none")


def visit_of(request: Request, services: ServicesOf) -> Visit:
    """The circumstances of a request at the entrance."""
    host = request.client.host if request.client else ""
    return Visit(
        correlation_id=request.state.correlation_id,
        now=services.clock(),
        host=host,
        user_agent=request.headers.get("user-agent", ""),
    )


async def at_the_door(services: Services, ask: Callable[..., T], *given: Any) -> T:
    """Ask the entrance something, in one of its own threads."""
    asked = functools.partial(contextvars.copy_context().run, ask, *given)
    return await asyncio.get_running_loop().run_in_executor(services.people.threads, asked)


def from_our_own_pages(request: Request, services: ServicesOf) -> None:
    """Refuse what another site's page makes a browser send (CSRF). Raises Problem (403).

    Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin; what says
    neither is no browser, and nobody's cookies are in it. The cookie is SameSite=Strict besides.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        allowed = site in _OWN
    else:
        allowed = origin is None or urlsplit(origin).netloc in _own_hosts(request, services)
    if not allowed:
        _log.warning("a request of another site's page is refused", path=request.url.path)
        raise Problem(
            403, "cross_site_request", "A page of another site sent this; it changes nothing here."
        )


def _own_hosts(request: Request, services: Services) -> set[str]:
    return {request.headers.get("host", ""), urlsplit(services.public_url).netloc}


def admitted(who: Admitted) -> Response:
    """Both tokens: one in the body, one in a cookie that scripts cannot read."""
    return with_cookie(JSONResponse(shown(who), headers={"Cache-Control": "no-store"}), who)


def with_cookie(response: R, who: Admitted) -> R:
    """The response, which gives the refresh token."""
    response.set_cookie(
        COOKIE,
        who.refresh_token,
        max_age=who.stays,
        path=COOKIE_PATH,
        secure=True,
        httponly=True,
        samesite="strict",
    )
    return response


def shown(who: Admitted) -> dict[str, Any]:
    """What the body says."""
    return {
        "access_token": who.access_token,
        "token_type": "Bearer",
        "expires_in": who.lasts,
        "organization_id": str(who.organization_id),
        "user_id": str(who.user_id),
        "session_id": str(who.session_id),
    }


def without_cookie(response: Response) -> Response:
    """The response, which takes the cookie away."""
    response.delete_cookie(COOKIE, path=COOKIE_PATH, secure=True, httponly=True, samesite="strict")
    return response


VisitOf = Annotated[Visit, Depends(visit_of)]

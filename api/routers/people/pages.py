"""The pages behind links in mails: looking at one changes nothing, sending its form does."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.auth import ServicesOf
from api.people import Admitted, Entrance, Visit
from api.routers.people.entering import VisitOf, at_the_door, with_cookie
from api.routers.unsubscribe import page
from domain.people.errors import NotAdmittedError
from domain.people.links import Purpose
from domain.people.values import PASSWORD_MAX, PASSWORD_MIN, person_name
from domain.shared.errors import InvalidValueError, RuleViolatedError

router = APIRouter(prefix="/a", tags=["entrance"])
_NAME: Final = '<p><label>Your name<br><input name="name" required maxlength="200"></label></p>'
_PASSWORD: Final = (
    '<p><label>Password<br><input name="password" type="password" required'
    f' autocomplete="new-password" minlength="{PASSWORD_MIN}" maxlength="{PASSWORD_MAX}">'
    "</label></p>"
)
_ASKS: Final[dict[Purpose, tuple[str, str]]] = {
    "signup": ("Confirm your address", ""),
    "reset": ("Choose a new password", _PASSWORD),
    "invitation": ("Accept the invitation", _NAME + _PASSWORD),
}
_DONE: Final[dict[Purpose, tuple[str, str]]] = {
    "signup": ("Your address is confirmed", "Your organization is ready: log in."),
    "reset": ("Your password is changed", "You are logged out everywhere: log in with it."),
    "invitation": ("You are in", "Log in with your address and this password."),
}
_PAGES: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "The link is not valid.", "content": {"text/html": {}}},
    409: {"description": "It was used already.", "content": {"text/html": {}}},
    422: {"description": "The form again, with what is wrong.", "content": {"text/html": {}}},
}
Form = dict[str, str]


def _form(purpose: Purpose, problem: str = "", status: int = 200) -> HTMLResponse:
    title, fields = _ASKS[purpose]
    said = f"<p><strong>{escape(problem)}</strong></p>" if problem else ""
    button = f'<button type="submit">{escape(title)}</button>'
    return page(title, f'{said}<form method="post">{fields}{button}</form>', status)


def _not_valid(detail: str, status: int) -> HTMLResponse:
    return page("This link is not valid", f"<p>{escape(detail)}</p>", status)


@router.get("/{token}", response_class=HTMLResponse, responses=_PAGES)
async def ask(token: str, services: ServicesOf) -> HTMLResponse:
    """Show what the link is for. Scanners follow links, so looking changes nothing."""
    purpose = services.people.entrance.purpose(token)
    if purpose is None:
        return _not_valid("Please use the link in the newest e-mail.", 404)
    return _form(purpose)


@router.post("/{token}", response_class=HTMLResponse, responses=_PAGES)
async def act(token: str, request: Request, services: ServicesOf, visit: VisitOf) -> HTMLResponse:
    """Do what the link is for. The token alone is the proof: no cookie is looked at."""
    entrance = services.people.entrance
    purpose = entrance.purpose(token)
    if purpose is None:
        return _not_valid("Please use the link in the newest e-mail.", 404)
    form = _read(await request.body())
    try:
        admitted = await at_the_door(services, _ACTS[purpose], entrance, token, form, visit)
    except InvalidValueError as error:
        return _form(purpose, str(error), 422)
    except NotAdmittedError as error:
        return _not_valid(str(error), 404)
    except RuleViolatedError as error:
        return _not_valid(str(error), 409)
    title, said = _DONE[purpose]
    done = page(title, f"<p>{escape(said)}</p>")
    return with_cookie(done, admitted) if admitted else done


def _read(body: bytes) -> Form:
    """The first value of each field of a form."""
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _verify(entrance: Entrance, token: str, _form: Form, visit: Visit) -> Admitted:
    return entrance.verify(token, visit)


def _reset(entrance: Entrance, token: str, form: Form, visit: Visit) -> None:
    entrance.reset(token, form.get("password", ""), visit)


def _accept(entrance: Entrance, token: str, form: Form, visit: Visit) -> Admitted:
    name = person_name(form.get("name", ""))
    return entrance.accept(token, name, form.get("password", ""), visit)


_ACTS: Final[dict[Purpose, Callable[[Entrance, str, Form, Visit], Admitted | None]]] = {
    "signup": _verify,
    "reset": _reset,
    "invitation": _accept,
}

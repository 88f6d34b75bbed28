"""Every error as application/problem+json with a stable code: what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from api.ports import KeyReusedError
from domain.people.errors import NotAdmittedError, NotYoursToGiveError, TooSoonError
from domain.shared.errors import (
    DomainError,
    InvalidValueError,
    NotFoundError,
    UnavailableError,
)
from projections.queries.rows import QueryError

_log = structlog.get_logger("api")
MEDIA_TYPE = "application/problem+json"
Noticed = Callable[[HTTPConnection, int, str], Awaitable[None]]

AWAY: Final = (UnavailableError, psycopg.OperationalError, PoolTimeout)
"""What is raised while a part that is needed is away: trying again later helps."""


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer that is an error. `errors` are {"field","code","detail"}."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers or {}


def unavailable(detail: str, code: str = "unavailable") -> Problem:
    """A dependency is away: nothing was lost, try again."""
    return Problem(503, code, detail, headers={"Retry-After": "2"})


def body_of_problem(problem: Problem, request_id: str) -> dict[str, Any]:
    """The problem as JSON."""
    return {
        "type": f"https://nudgecampaign.example/problems/{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "errors": problem.errors,
        "request_id": request_id,
    }


def respond(problem: Problem, request_id: str) -> JSONResponse:
    """The problem as a response."""
    return JSONResponse(
        body_of_problem(problem, request_id),
        problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def problem_of(error: Exception) -> Problem:
    """What a client is told about any exception."""
    match error:
        case Problem():
            return error
        case InvalidValueError():
            entry = {"field": error.field, "code": error.code, "detail": str(error)}
            return Problem(422, error.code, str(error), errors=[entry])
        case QueryError():
            entry = {"field": error.field, "code": "invalid_query", "detail": error.detail}
            return Problem(422, "invalid_query", str(error), errors=[entry])
        case KeyReusedError():
            return Problem(422, error.code, str(error))
        case NotAdmittedError():
            return Problem(401, error.code, str(error), headers={"WWW-Authenticate": "Bearer"})
        case NotYoursToGiveError():
            return Problem(403, error.code, str(error))
        case TooSoonError():
            retry = {"Retry-After": str(error.seconds)}
            return Problem(429, error.code, str(error), headers=retry)
        case NotFoundError():
            return Problem(404, error.code, str(error))
        case DomainError():
            return Problem(409, error.code, str(error))
        case RequestValidationError():
            return _invalid_request(error)
        case HTTPException(__cause__=Problem() as cause):
            return cause  # the framework wraps what is raised while a body is read
        case HTTPException():
            code, headers = _http_code(error.status_code), dict(error.headers or {})
            return Problem(error.status_code, code, str(error.detail), headers=headers)
        case psycopg.errors.QueryCanceled():
            return unavailable("This takes too long. Ask for less at a time.", "query_timeout")
        case psycopg.errors.DiskFull() | OSError(errno=28):
            return unavailable("The disk is full. Nothing was lost; try again later.", "disk_full")
        case _ if isinstance(error, AWAY):
            return unavailable("A part that is needed is away. Nothing was lost; try again.")
        case psycopg.DataError():
            return Problem(422, "invalid_value", "A value cannot be stored as it is.")
    return Problem(500, "internal_error", "This is our mistake, and it has been logged.")


def _http_code(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def _invalid_request(error: RequestValidationError) -> Problem:
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return Problem(400, "malformed_json", "The body is not valid JSON.")
    errors = [
        {
            "field": ".".join(str(part) for part in entry["loc"][1:]) or str(entry["loc"][0]),
            "code": entry["type"],
            "detail": entry["msg"],
        }
        for entry in found
    ]
    return Problem(422, "invalid_fields", "Some fields are not valid.", errors=errors)


async def _unnoticed(_connection: HTTPConnection, _status: int, _code: str) -> None:
    return None


def methods_of(app: FastAPI, path: str) -> set[str]:
    """What may be asked of a path: all its endpoints together, the most literal path of several."""
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.path_regex.match(path):
            found.setdefault(str(route.path_format), set()).update(route.methods or ())
    return min(found.items(), key=lambda each: each[0].count("{"), default=("", set()))[1]


def install(app: FastAPI, refused: Noticed = _unnoticed) -> None:
    """Answer every exception as a problem; `refused` is told status and code before."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        problem = problem_of(error)
        request_id = getattr(request.state, "request_id", "")
        if problem.status == 405:
            problem.headers["Allow"] = ", ".join(sorted(methods_of(app, request.url.path)))
        if problem.status == 500:
            _log.exception("unexpected error", exc_info=error, request_id=request_id)
        await refused(request, problem.status, problem.code)
        return respond(problem, request_id)

    for kind in (
        Problem,
        DomainError,
        QueryError,
        UnavailableError,
        RequestValidationError,
        HTTPException,
        psycopg.Error,
        PoolTimeout,
        OSError,
        Exception,
    ):
        app.add_exception_handler(kind, handle)

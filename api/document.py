"""The OpenAPI document: what the framework knows of each endpoint, and how ours answer besides."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from api.auth import authenticate, services_of
from api.errors import MEDIA_TYPE, Problem, body_of_problem

_BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or access token."},
    "webhook": {"type": "http", "scheme": "basic", "description": "An organization's webhooks."},
}
_REQUEST: Final = "0c0ffee0-7a06-46f9-a279-f427c7b38e73"
_EXAMPLES: Final = {
    400: ("malformed_json", "The body is not valid JSON."),
    401: ("unauthenticated", "Send `Authorization: Bearer <api key>` with a key that is in use."),
    403: ("not_allowed", "This needs the permission contacts:write. Ask an owner for it."),
    404: ("not_found", "There is no such contact."),
    409: ("version_conflict", "Somebody else keeps changing this. Read it again, then retry."),
    412: ("stale_etag", "The resource has changed since. Read it again, then retry."),
    413: ("too_large", "A body holds at most 2,097,152 bytes."),
    422: ("invalid_fields", "Some fields are not valid."),
    415: ("unsupported_media_type", "Send the file as text/csv or application/x-ndjson."),
    429: ("rate_limited", "Too many requests. Try again later."),
    503: ("unavailable", "A part that is needed is away. Nothing was lost; try again."),
}
"""Code and detail of one problem of each status; what else there is: docs/reference/errors.md."""
_TEXT: Final = {"type": "string"}
_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "What is wrong and what to do (RFC 9457); `code` is stable.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {"field": _TEXT, "code": _TEXT, "detail": _TEXT},
            },
        },
        "request_id": _TEXT,
    },
}


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of an endpoint that also refuses with these."""
    return {status: {"$ref": _ref(status)} for status in statuses}


def _ref(status: int) -> str:
    return f"#/components/responses/Problem{status}"


class DocumentedApi(FastAPI):
    """An application whose document says who may call, and how each endpoint refuses."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            _complete(document, endpoints(self))
        made: dict[str, Any] = self.openapi_schema or {}
        return made


def endpoints(app: FastAPI) -> Iterator[RouteContext]:
    """Every endpoint, as it is included."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            yield route


def _complete(document: dict[str, Any], routes: Iterator[RouteContext]) -> None:
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    components["responses"] = {f"Problem{status}": _response(status) for status in _EXAMPLES}
    for route in routes:
        for method in route.methods or () if route.include_in_schema else ():
            operation = document["paths"][str(route.path_format)][method.lower()]
            _describe(operation, method, route)


def _describe(operation: dict[str, Any], method: str, route: RouteContext) -> None:
    """Add what holds for every endpoint of this kind; what the route says itself stays."""
    dependencies = set(_calls(route.dependant))
    if authenticate in dependencies:
        operation.setdefault("security", _BEARER)
    responses = operation["responses"]
    if not any(str(status) == "422" for status in route.responses):
        responses.pop("422", None)  # the framework's own shape, which is never answered
    touches_stores = services_of in dependencies
    for status in _problems(operation, method, touches_stores=touches_stores):
        responses.setdefault(str(status), {"$ref": _ref(status)})


def _problems(operation: dict[str, Any], method: str, *, touches_stores: bool) -> Iterator[int]:
    """Statuses that an endpoint may refuse with."""
    has_body = "requestBody" in operation
    in_path = any(each["in"] == "path" for each in operation.get("parameters", ()))
    yield from (422, 429)
    if has_body:
        yield from (400, 413)
    if "security" in operation:
        yield 401
    if operation.get("security") == _BEARER:
        yield 403
        if method != "GET":
            yield 409
    if in_path:
        yield 404
    if method == "PATCH":
        yield 412
    if touches_stores:
        yield 503


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _response(status: int) -> dict[str, Any]:
    code, detail = _EXAMPLES[status]
    response: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": body_of_problem(Problem(status, code, detail), _REQUEST),
            }
        },
    }
    if status in (429, 503):
        said = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait."}
        response["headers"] = {"Retry-After": said}
    return response

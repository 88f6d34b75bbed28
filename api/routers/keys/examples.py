"""Examples of answers about API keys, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from api.errors import MEDIA_TYPE, Problem, body_of_problem

_ID: Final = "2c70e12b-7a06-46f9-a279-f427c7b38e73"
KEY: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Shop",
    "prefix": "nk_Zr4uT9q",
    "scopes": ["campaigns:read", "contacts:write"],
    "status": "active",
    "created_at": "2026-11-20T10:00:00Z",
    "created_by": "user:5f3f9a52-1f0f-4a5e-8f0a-1b2c3d4e5f60",
    "expires_at": "2027-01-01T00:00:00Z",
    "revoked_at": None,
    "last_used_at": "2026-11-26T14:31:07Z",
    "replaces": None,
    "replaced_by": None,
}
MADE: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Shop",
    "prefix": "nk_Zr4uT9q",
    "scopes": ["campaigns:read", "contacts:write"],
    "created_at": "2026-11-20T10:00:00Z",
    "expires_at": "2027-01-01T00:00:00Z",
    "secret": "nk_Zr4uT9q" + "x" * 36,
}
_LIST: Final = {"items": [KEY], "page": 1, "limit": 50, "total": 1, "next_after": None}


def _example(description: str, value: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"example": value}}}


def _problem(status: int, code: str, detail: str) -> dict[str, Any]:
    example = body_of_problem(Problem(status, code, detail), "a-request-id")
    return {"description": detail, "content": {MEDIA_TYPE: {"example": example}}}


_BEYOND: Final = _problem(403, "scope_exceeds_yours", "A key cannot do what you may not.")
_NOWHERE: Final = _problem(404, "not_found", "There is no such API key.")
LIST_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {200: _example("The keys.", _LIST)}
KEY_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _example("The key.", KEY), 404: _NOWHERE,
}  # fmt: skip
MADE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    201: _example("The key, and its secret this once.", MADE),
    403: _BEYOND,
    409: _problem(409, "secret_already_shown", "The secret was shown once. Make a new one."),
}
ROTATED_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    201: _example("The successor, and its secret this once.", MADE),
    403: _BEYOND,
    404: _NOWHERE,
    409: _problem(409, "key_replaced", "This key has a successor; rotate that one."),
}
REVOKED_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    204: {"description": "It is accepted no longer."}, 404: _NOWHERE,
}  # fmt: skip

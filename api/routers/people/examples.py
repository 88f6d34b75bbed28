"""Examples of answers about people, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from api.people import Remaining
from api.routers.people.schemas import TokensOut, show_remaining

_USER: Final = {
    "id": "4b1c2d52-3f0e-4d52-9c7b-0c8f3b1d2e77",
    "email": "rosa@rosas-bakery.example",
    "name": "Rosa Lang",
    "role": "owner",
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}
_INVITATION: Final = {
    "id": "d4a4f1f5-7a44-49a4-8a77-0f1f8a5ce6a2",
    "email": "ben@rosas-bakery.example",
    "role": "marketer",
    "status": "open",
    "invited_by": f"user:{_USER['id']}",
    "expires_at": "2026-03-09T09:00:00Z",
    "created_at": "2026-03-02T09:00:00Z",
}
_SESSION: Final = {
    "id": "8c7c7b7e-6d3c-4d30-8a55-3f6a9a3a4a10",
    "user_id": _USER["id"],
    "user_agent": "curl/8.5.0",
    "started_at": "2026-03-02T09:00:00Z",
    "last_used_at": "2026-03-02T09:45:00Z",
    "expires_at": "2026-03-09T09:45:00Z",
    "current": True,
}

_MADE_KEY: Final = "2c70e12b-7a06-46f9-a279-f427c7b38e73"


def _json(description: str, example: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"example": example}}}


def _listed(description: str, item: Any) -> dict[str, Any]:
    page = {"items": [item], "page": 1, "limit": 50, "total": 1, "next_after": None}
    return _json(description, page)


def _problem(description: str, status: int, code: str) -> dict[str, Any]:
    body = {
        "type": f"https://nudgecampaign.example/problems/{code}",
        "title": description,
        "status": status,
        "detail": "…",
        "code": code,
        "errors": [],
        "request_id": "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10",
    }
    return {"description": description, "content": {"application/problem+json": {"example": body}}}


TOKENS_RESPONSE: Final[dict[str, Any]] = {
    "model": TokensOut,
    "description": "Somebody is in. Set-Cookie has the refresh token.",
}
ASKED_RESPONSE: Final = _json(
    "Whatever there is to know is in the mail.", {"status": "check_your_mail"}
)
USER_RESPONSE: Final = _json("The user.", _USER)
USERS_RESPONSE: Final = _listed("Users.", _USER)
REMOVED_RESPONSE: Final = _json(
    "They are removed, and this stays in use, which they made for the organization.",
    {"warnings": show_remaining(Remaining([UUID(_MADE_KEY)], []))},
)
INVITATION_RESPONSE: Final = _json("The invitation, whose link is mailed.", _INVITATION)
INVITATIONS_RESPONSE: Final = _listed("Invitations.", _INVITATION)
SESSIONS_RESPONSE: Final = _json("Sessions that go on.", {"items": [_SESSION]})
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: _problem("Not admitted.", 401, "invalid_credentials"),
    403: _problem("Sent by another site's page.", 403, "cross_site_request"),
    409: _problem("A rule says no.", 409, "address_taken"),
    429: _problem("Too many attempts lately; Retry-After says when.", 429, "slow_down"),
    503: _problem("A part that is needed is away.", 503, "unavailable"),
}

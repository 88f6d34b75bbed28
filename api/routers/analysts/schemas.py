"""Shapes of an analyst login, in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.organization.analyst import Analyst, username_of
from projections.queries.rows import Row

_ID: Final = "6f0c2d3e-8d14-4b0f-9a57-21c4f8b1d3a2"
ANALYST: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Weekly dashboard",
    "username": "analyst_6f0c2d3e8d144b0f9a5721c4f8b1d3a2",
    "created_by": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
    "created_at": "2026-03-03T10:15:00Z",
    "revoked_at": None,
}
CREATED_RESPONSE: Final[dict[str, Any]] = {
    "description": "The login. The password is shown this once; only its hash is kept.",
    "content": {"application/json": {"example": {**ANALYST, "password": "na_kX0…43 characters…"}}},
}
ANALYST_RESPONSE: Final[dict[str, Any]] = {
    "description": "The login, without its password.",
    "content": {"application/json": {"example": ANALYST}},
}
LIST_RESPONSE: Final[dict[str, Any]] = {
    "description": "A page of logins, the revoked ones too.",
    "content": {
        "application/json": {
            "example": {"items": [ANALYST], "page": 1, "limit": 50, "total": 1, "next_after": None}
        }
    },
}


class AnalystIn(BaseModel):
    """Who or what will log in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Weekly dashboard"}]}
    )
    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
        Field(min_length=1, max_length=200),
    ]


def show(analyst: Analyst, created_by: str) -> dict[str, Any]:
    """A login straight from its history."""
    return {
        "id": str(analyst.id),
        "name": analyst.name,
        "username": analyst.username,
        "created_by": created_by,
        "created_at": _text(analyst.created_on),
        "revoked_at": None,
    }


def show_row(row: Row) -> dict[str, Any]:
    """A login from its read model."""
    return {
        "id": row["id"],
        "name": row["name"],
        "username": username_of(UUID(row["id"])),
        "created_by": row["created_by"],
        "created_at": _text(row["created_at"]),
        "revoked_at": _text(row["revoked_at"]) if row["revoked_at"] else None,
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

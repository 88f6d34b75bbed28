"""API keys as clients send them and see them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.access.permissions import PERMISSIONS
from domain.shared.errors import InvalidValueError
from projections.queries.rows import Row

ALL: Final = "*"
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
Scope = Annotated[str, StringConstraints(max_length=40)]


class KeyIn(BaseModel):
    """A key to make: what it may do, what it is for, until when it is accepted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Shop",
                    "scopes": ["contacts:write", "campaigns:read"],
                    "expires_at": "2027-01-01T00:00:00Z",
                }
            ]
        },
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(PERMISSIONS))]
    name: Name | None = None
    expires_at: AwareDatetime | None = None

    def checked_scopes(self) -> tuple[str, ...]:
        """Each once, in the order of the table of permissions; `*` alone stands for all.

        Raises InvalidValueError for a name that is none.
        """
        for scope in self.scopes:
            if scope != ALL and scope not in PERMISSIONS:
                raise InvalidValueError(
                    "scopes", "unknown_scope", f"{scope!r} is no permission: see the table of them."
                )
        if ALL in self.scopes:
            return (ALL,)
        return tuple(name for name in PERMISSIONS if name in self.scopes)


class RotationIn(BaseModel):
    """How long the former key is accepted beside its successor, and until when that one is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 86400}]}
    )
    overlap_seconds: Annotated[int, Field(ge=0, le=30 * 86400)] = 86400
    expires_at: AwareDatetime | None = None

    @property
    def overlap(self) -> timedelta:
        return timedelta(seconds=self.overlap_seconds)


def show(row: Row, now: datetime) -> dict[str, Any]:
    """A key as the API shows it; never its secret."""
    return {
        "id": row["id"],
        "name": row["name"] or None,
        "prefix": row["prefix"],
        "scopes": list(row["scopes"]),
        "status": status_of(row, now),
        "created_at": _moment(row["created_at"]),
        "created_by": row["created_by"] or None,
        "expires_at": _moment(row["ends_at"]),
        "revoked_at": _moment(row["revoked_at"]),
        "last_used_at": _moment(row["last_used_at"]),
        "replaces": row["replaces"],
        "replaced_by": row["replaced_by"],
    }


def status_of(row: Row, now: datetime) -> str:
    """`active`, `replaced` (accepted beside its successor), `expired` or `revoked`."""
    if row["revoked_at"] is not None:
        return "revoked"
    if row["ends_at"] is not None and row["ends_at"] <= now:
        return "expired"
    return "active" if row["replaced_by"] is None else "replaced"


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")

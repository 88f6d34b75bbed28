"""Shapes of what people send, and of users, invitations and sessions as shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.people import Remaining
from domain.access.permissions import Role
from domain.contact.values import EmailAddress
from domain.people.values import PASSWORD_MAX, PASSWORD_MIN, password, person_name
from domain.shared.text import line, required
from projections.queries.rows import Row

Text = Annotated[str, StringConstraints(max_length=1000)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=PASSWORD_MAX)]
NewSecret = Annotated[str, StringConstraints(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [fields]})


class SignUpIn(BaseModel):
    """Somebody who wants an organization."""

    model_config = _example(
        email="rosa@rosas-bakery.example",
        password="crumbs in the morning",  # noqa: S106 - an example
        name="Rosa Lang",
        organization="Rosa's Bakery",
    )
    email: Text
    password: NewSecret
    name: Text
    organization: Text

    def checked(self) -> tuple[EmailAddress, str, str, str]:
        """Address, password, name and organization. Raises InvalidValueError."""
        address = EmailAddress.parse(self.email)
        organization = required(line(self.organization, "organization", 200), "organization")
        return (
            address, password(self.password, address.normalised), person_name(self.name),
            organization,
        )  # fmt: skip


class LogInIn(BaseModel):
    """Address and password."""

    model_config = _example(
        email="rosa@rosas-bakery.example",
        password="crumbs in the morning",  # noqa: S106 - an example
    )
    email: Text
    password: Secret


class TokenIn(BaseModel):
    """The token of a link in a mail."""

    model_config = _example(token="AJ0…")  # noqa: S106 - an example
    token: Token


class AddressIn(BaseModel):
    """An address."""

    model_config = _example(email="rosa@rosas-bakery.example")
    email: Text


class ResetIn(BaseModel):
    """The token of a link, and the password to be."""

    model_config = _example(token="AZ1…", password="rolls in the evening")  # noqa: S106
    token: Token
    password: NewSecret


class PasswordIn(BaseModel):
    """The current password, and the one to be."""

    model_config = _example(
        current_password="crumbs in the morning",  # noqa: S106 - an example
        password="rolls in the evening",  # noqa: S106 - an example
    )
    current_password: Secret
    password: NewSecret


class AcceptIn(BaseModel):
    """The token of an invitation, and who accepts it."""

    model_config = _example(
        token="Aj2…",  # noqa: S106 - an example
        name="Ben Okafor",
        password="flour on the floor",  # noqa: S106 - an example
    )
    token: Token
    name: Text
    password: NewSecret


class InvitationIn(BaseModel):
    """Who is invited, and as what."""

    model_config = _example(email="ben@rosas-bakery.example", role="marketer")
    email: Text
    role: Role


class UserPatch(BaseModel):
    """What may change of a user."""

    model_config = _example(role="approver")
    role: Role


class TokensOut(BaseModel):
    """A session has begun, or goes on. The refresh token is in the cookie."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the type, not a token
    expires_in: int = Field(description="Seconds.")
    organization_id: UUID
    user_id: UUID
    session_id: UUID


def show_user(row: Row) -> dict[str, Any]:
    """A user from the read model."""
    return {
        "id": row["id"],
        "email": row["email"],
        "name": row["name"],
        "role": row["role"],
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
    }


def show_remaining(remaining: Remaining) -> list[dict[str, Any]]:
    """One warning for each thing that somebody who was removed can still use."""
    keys = (("api_key_stays", "An API key", "/v1/api-keys", each) for each in remaining.api_keys)
    logins = (("analyst_stays", "A login", "/v1/analysts", each) for each in remaining.analysts)
    return [
        {
            "code": code,
            "id": str(each),
            "detail": f"{what} they made, or a key of theirs, stays in use:"
            f" DELETE {path}/{each} revokes it.",
        }
        for code, what, path, each in (*keys, *logins)
    ]


def show_invitation(row: Row, now: datetime) -> dict[str, Any]:
    """An invitation from the read model; one that is too old says so."""
    over = row["status"] == "open" and row["expires_at"] <= now
    return {
        "id": row["id"],
        "email": row["email"],
        "role": row["role"],
        "status": "expired" if over else row["status"],
        "invited_by": row["invited_by"],
        "expires_at": instant(row["expires_at"]),
        "created_at": instant(row["created_at"]),
    }


def show_session(row: Row, own: UUID | None) -> dict[str, Any]:
    """A session; `current`: the one that asks."""
    moments = {name: instant(row[name]) for name in ("started_at", "last_used_at", "expires_at")}
    return {
        "id": row["id"],
        "user_id": row["user_id"],
        "user_agent": row["user_agent"],
        **moments,
        "current": own is not None and row["id"] == str(own),
    }


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")

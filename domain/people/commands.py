"""What may be asked of people's aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.access.permissions import Role

Entry = Literal["password", "signup", "invitation"]
"""How somebody came in."""
Change = Literal["reset", "own"]
"""How somebody got another password: through a link in a mail, or by giving the current one."""
Ending = Literal[
    "logged_out", "revoked", "token_reused", "password_reset", "password_changed", "user_removed",
    "restored",
]  # fmt: skip
"""Why a session is over. One that is never used again ends silently, with its refresh token."""


@dataclass(frozen=True, slots=True)
class RegisterUser:
    user_id: UUID
    email: str
    name: str
    role: Role
    invitation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    """`user_id` is who they will be: their address is sealed under that person's key."""

    invitation_id: UUID
    user_id: UUID
    email: str
    role: Role
    expires_at: datetime

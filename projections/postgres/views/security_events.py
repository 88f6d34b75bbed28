"""Security events: what an auditor asks about, without anybody's address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from projections.postgres.view import View, moment
from schemas.codec import Event


class SecurityEventRow(NamedTuple):
    """One event. `subject` is the id of what it is about, `what` a code that says more."""

    id: str
    organization_id: str
    kind: str
    subject: str
    what: str
    actor: str
    occurred_at: datetime
    position: int
    version: int


class Told(NamedTuple):
    """What an event says to an auditor."""

    kind: str
    subject: str = ""
    what: str = ""


Reader = Callable[[Event], Told]
_ENDINGS: Final = {"logged_out": "logout", "token_reused": "refresh_reused"}

AUDITED: Final[Mapping[str, Reader]] = {
    "SecurityEventRecorded": lambda e: Told(e.data["kind"], e.data["subject"], e.data["what"]),
    "ApiKeyIssued": lambda e: Told("key_issued", e.data["key_id"], e.data["prefix"]),
    "ApiKeyReplaced": lambda e: Told("key_rotated", e.data["key_id"], e.data["replaced_by"]),
    "ApiKeyRevoked": lambda e: Told("key_revoked", e.data["key_id"]),
    "AnalystCreated": lambda e: Told("key_issued", e.stream_id, "analyst"),
    "AnalystRevoked": lambda e: Told("key_revoked", e.stream_id, "analyst"),
    "ApprovalRuleSet": lambda _: Told("permission_changed", "", "second_approver"),
    "PersonalDataRead": lambda e: Told("unmasking", "", e.data["what"]),
    "PostmarkConnected": lambda _: Told("credentials_changed", "", "postmark"),
    "SessionStarted": lambda e: Told("login", e.data["user_id"], e.data["entry"]),
    "SessionEnded": lambda e: Told(
        _ENDINGS.get(e.data["reason"], "session_revoked"), e.stream_id, e.data["reason"]
    ),
    "LoginFailed": lambda e: Told("login_failed", e.data["user_id"]),
    "UserPasswordChanged": lambda e: Told("password_changed", e.stream_id, e.data["how"]),
    "InvitationCreated": lambda e: Told("permission_changed", e.data["user_id"], e.data["role"]),
    "UserRegistered": lambda e: Told("permission_changed", e.stream_id, e.data["role"]),
    "UserRoleChanged": lambda e: Told("permission_changed", e.stream_id, e.data["role"]),
    "UserRemoved": lambda e: Told("permission_changed", e.stream_id, "removed"),
}
"""Events that an auditor is shown, and as what. One that says it already is not recorded twice."""


def fold(row: SecurityEventRow | None, event: Event) -> SecurityEventRow | None:
    """The row of the event, which never changes."""
    if row is not None:
        return row
    told = AUDITED[event.type](event)
    return SecurityEventRow(
        id=event.event_id,
        organization_id=event.organization_id,
        kind=told.kind,
        subject=told.subject,
        what=told.what,
        actor=event.actor,
        occurred_at=moment(event),
        position=event.position,
        version=event.version,
    )


def _key(event: Event) -> str:
    return event.event_id


VIEW = View(
    name="security_events",
    row=SecurityEventRow,
    events=frozenset(AUDITED),
    key_of=_key,
    fold=fold,
    reads_sealed=False,
)

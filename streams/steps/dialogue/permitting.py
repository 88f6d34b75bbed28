"""What an answer may do, tell and offer: nothing that the person who asks is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.access.permissions import Permission
from domain.shared.errors import RuleViolatedError
from streams.steps.dialogue.plan import (
    Action,
    Approve,
    AssignRole,
    Change,
    Command,
    DeleteContact,
    Draft,
    Revise,
    SendTest,
    SetBusiness,
    Tag,
    Unsubscribe,
)

Allowed = frozenset[Permission]

TO_DO: Final[Mapping[type[Command], Permission]] = {
    Draft: "campaigns:write",
    Revise: "campaigns:write",
    Approve: "campaigns:approve",
    Change: "campaigns:send",
    SendTest: "campaigns:send",
    SetBusiness: "businesses:write",
    AssignRole: "contacts:write",
    DeleteContact: "contacts:write",
    Tag: "contacts:write",
    Unsubscribe: "contacts:write",
}
"""As over HTTP. A no to a draft is not a stop: it takes what a yes takes."""

TO_HEAR: Final[Mapping[str, Permission | None]] = {
    "create_campaign": "campaigns:read",
    "modify_campaign": "campaigns:read",
    "approve_campaign": "campaigns:read",
    "reject_campaign": "campaigns:read",
    "schedule_campaign": "campaigns:read",
    "pause_campaign": "campaigns:read",
    "resume_campaign": "campaigns:read",
    "cancel_campaign": "campaigns:read",
    "send_test": "campaigns:read",
    "query_performance": "campaigns:read",
    "query_audience": "contacts:read",
    "manage_contacts": "contacts:read",
    "privacy_request": "contacts:read",
    "set_business_context": "businesses:read",
    "help": None,
    "small_talk": None,
    "clarify": None,
    "refuse": None,
}
"""What the answer to an intent tells of; questions back name campaigns only to who sees them."""

_OFFERS: Final[Mapping[str, Permission]] = {
    "approve": "campaigns:approve",
    "reject": "campaigns:approve",
    "modify": "campaigns:write",
    "create_campaign": "campaigns:write",
    "pause": "campaigns:send",
    "resume": "campaigns:send",
    "send_test": "campaigns:send",
    "query_performance": "campaigns:read",
    "query_audience": "contacts:read",
}
"""Suggested actions; one that is not here is for everybody."""


def ensure_permitted(command: Command, allowed: Allowed) -> None:
    """Raise RuleViolatedError `not_allowed`, which names what is missing."""
    needed = TO_DO[type(command)]
    if isinstance(command, Change) and command.what == "reject":
        needed = "campaigns:approve"
    if needed not in allowed:
        raise RuleViolatedError("not_allowed", lacking(needed))


def unheard(intent: str, allowed: Allowed) -> str | None:
    """What is said instead of an answer that the person may not hear; None when they may."""
    needed = TO_HEAR[intent]
    return None if needed is None or needed in allowed else lacking(needed)


def offered(actions: tuple[Action, ...], allowed: Allowed) -> tuple[Action, ...]:
    """Those of the actions that the person may take."""
    return tuple(each for each in actions if _OFFERS.get(each.action) in {None, *allowed})


def lacking(needed: Permission) -> str:
    """One sentence for a person."""
    return f"this needs the permission {needed}, which you do not have. Nothing was changed."

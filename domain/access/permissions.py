"""Who may do what: the one table of permissions and of the roles that hold them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

Permission = Literal[
    "campaigns:read",
    "campaigns:write",
    "campaigns:approve",
    "campaigns:send",
    "contacts:read",
    "contacts:write",
    "contacts:export",
    "contacts:erase",
    "conversations:read",
    "conversations:write",
    "analytics:read",
    "analytics:export",
    "businesses:read",
    "businesses:write",
    "organization:read",
    "organization:write",
    "organization:delete",
    "integrations:read",
    "integrations:write",
    "users:read",
    "users:write",
    "users:delete",
    "users:invite",
    "keys:read",
    "keys:write",
    "audit:read",
    "account:own",
]
PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

MEANS: Final[Mapping[Permission, str]] = {
    "campaigns:read": "See campaigns, their deliveries and why somebody got one or not.",
    "campaigns:write": "Draft and change campaigns.",
    "campaigns:approve": "Say yes or no to a draft.",
    "campaigns:send": "Pause, resume and cancel; send tests, steps and held deliveries.",
    "contacts:read": "See people: addresses, names, attributes, consent; events in plain text.",
    "contacts:write": "Add, import, change and hide people.",
    "contacts:export": "Take out everything that is stored about a person.",
    "contacts:erase": "Forget a person for good.",
    "conversations:read": "Read what was said.",
    "conversations:write": "Talk to the product.",
    "analytics:read": "See numbers and reports.",
    "analytics:export": "Make and revoke logins that query the analytics store.",
    "businesses:read": "See the profiles that campaigns are sent for.",
    "businesses:write": "Change these profiles, their senders included.",
    "organization:read": "See the organization.",
    "organization:write": "Rename it, change its rules of approval.",
    "organization:delete": "Take everything out, and delete the organization.",
    "integrations:read": "See how the organization is connected to providers.",
    "integrations:write": "Connect it to other servers.",
    "users:read": "See who works here, and with which role.",
    "users:write": "Change somebody's role.",
    "users:delete": "Remove somebody.",
    "users:invite": "Invite somebody.",
    "keys:read": "See API keys, never their secrets.",
    "keys:write": "Make, rotate and revoke API keys.",
    "audit:read": "Read events, personal fields masked, security events, and proofs.",
    "account:own": "See and end one's own sessions, change one's own password.",
}

Role = Literal["owner", "admin", "marketer", "approver", "analyst", "auditor", "read_only"]
ROLE_NAMES: Final[tuple[Role, ...]] = get_args(Role)

EVERYTHING: Final[frozenset[Permission]] = frozenset(PERMISSIONS)

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    "owner": EVERYTHING,
    "admin": EVERYTHING - {"organization:delete"},
    "marketer": frozenset(
        {
            "campaigns:read",
            "campaigns:write",
            "campaigns:send",
            "contacts:read",
            "contacts:write",
            "conversations:read",
            "conversations:write",
            "analytics:read",
            "businesses:read",
            "businesses:write",
            "organization:read",
            "integrations:read",
            "account:own",
        }
    ),
    "approver": frozenset(
        {
            "campaigns:read",
            "campaigns:approve",
            "contacts:read",
            "conversations:read",
            "conversations:write",
            "analytics:read",
            "businesses:read",
            "organization:read",
            "account:own",
        }
    ),
    "analyst": frozenset(
        {
            "campaigns:read",
            "analytics:read",
            "analytics:export",
            "businesses:read",
            "organization:read",
            "account:own",
        }
    ),
    "auditor": frozenset({"audit:read", "account:own"}),
    "read_only": frozenset(
        {
            "campaigns:read",
            "contacts:read",
            "conversations:read",
            "analytics:read",
            "businesses:read",
            "organization:read",
            "integrations:read",
            "account:own",
        }
    ),
}


def permissions_of(scopes: Collection[str]) -> frozenset[Permission]:
    """What a key with these scopes may do; `*` is everything, an unknown name nothing."""
    if "*" in scopes:
        return EVERYTHING
    return frozenset(name for name in PERMISSIONS if name in scopes)

"""The page of permissions: the one table of roles, and what each permission opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from api.access import OPEN, Door, doors
from domain.access.permissions import MEANS, PERMISSIONS, ROLE_NAMES, ROLES
from infra.reference.endpoints import application
from infra.reference.sources import NOTE, page, table


def permissions_page() -> str:
    """Every permission with the roles that hold it, and every way in with what it needs."""
    found = doors(application())
    return page(
        "# Permissions",
        NOTE,
        "Made from `domain/access/permissions.py`, the one table that is asked, and from the routes"
        " of the application. How to use it: [roles](../how-to/roles.md).",
        table(
            ("permission", "allows", *(role.replace("_", " ") for role in ROLE_NAMES)),
            [
                (
                    f"`{name}`",
                    MEANS[name],
                    *("x" if name in ROLES[role] else "" for role in ROLE_NAMES),
                )
                for name in PERMISSIONS
            ],
        ),
        "## What is asked where",
        "An endpoint or frame that is not listed cannot be reached. *Sometimes* is needed for some"
        " requests only: to erase and not only hide, to see personal fields in plain text, to"
        " preview as a person, to begin a conversation and not only join it. Without a permission:"
        " 403 `not_allowed`, which names it.",
        table(("way in", "needs", "sometimes"), list(_rows(found))),
        "## Open",
        "Nobody needs a token for " + ", ".join(f"`{pattern}`" for pattern in OPEN) + ". Webhooks"
        " bring the credentials of their organization.",
    )


def _rows(found: Iterable[Door]) -> Iterator[tuple[str, str, str]]:
    for door in found:
        if not door.open:
            yield f"`{door.method} {door.path}`", _names(door.needed), _names(door.sometimes)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

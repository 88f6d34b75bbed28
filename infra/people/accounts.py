"""`state.users`: who may log in, with which role and password. In the caller's transaction."""

from __future__ import annotations

from typing import Final, NamedTuple, cast
from uuid import UUID

from domain.access.permissions import Role
from domain.organization.dead_letter import INSTALLATION
from domain.shared.errors import RuleViolatedError
from infra.postgres import Connection

NOBODY: Final = UUID(int=0)


class Where(NamedTuple):
    """A user and their organization."""

    organization_id: UUID
    user_id: UUID


UNKNOWN: Final = Where(INSTALLATION, NOBODY)
"""Stands for an address that nobody has, so that the same work is done for it."""


def find(connection: Connection, address_hmac: bytes) -> Where:
    """Whose address it is, in whatever organization; UNKNOWN when nobody's."""
    row = connection.execute(
        "SELECT organization_id, user_id FROM state.find_user(%s)", (address_hmac,)
    ).fetchone()
    return Where(UUID(row[0]), UUID(row[1])) if row else UNKNOWN


def password_hash(connection: Connection, user_id: UUID) -> str | None:
    """What is kept of a user's password."""
    row = connection.execute(
        "SELECT password_hash FROM state.users WHERE user_id = %s", (user_id,)
    ).fetchone()
    return row[0] if row else None


def still_has(connection: Connection, user_id: UUID, password: str) -> bool:
    """Whether this is still the hash; nobody changes or removes the account before we commit."""
    row = connection.execute(
        "SELECT password_hash FROM state.users WHERE user_id = %s FOR SHARE", (user_id,)
    ).fetchone()
    return row is not None and bool(row[0] == password)


def add(
    connection: Connection, where: Where, address_hmac: bytes, role: Role, password: str
) -> None:
    """A new account; `password` is the hash. Raises RuleViolatedError `address_taken`."""
    added = connection.execute(
        "INSERT INTO state.users (user_id, organization_id, address_hmac, role, password_hash)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (address_hmac) DO NOTHING RETURNING 1",
        (where.user_id, where.organization_id, address_hmac, role, password),
    ).fetchone()
    if added is None:
        raise RuleViolatedError(
            "address_taken", "Somebody has an account with this address; an address is one user."
        )


def has_left(connection: Connection, actor: str) -> bool:
    """Whether this actor is a person who is no user any more."""
    kind, _, user_id = actor.partition(":")
    return kind == "user" and role_of(connection, UUID(user_id)) is None


def set_password(connection: Connection, user_id: UUID, password: str) -> None:
    """Another hash."""
    connection.execute(
        "UPDATE state.users SET password_hash = %s WHERE user_id = %s", (password, user_id)
    )


def exchange_password(connection: Connection, user_id: UUID, kept: str, fresh: str) -> bool:
    """Another hash instead of this one; False when it is this one no longer."""
    row = connection.execute(
        "UPDATE state.users SET password_hash = %s WHERE user_id = %s AND password_hash = %s"
        " RETURNING 1",
        (fresh, user_id, kept),
    ).fetchone()
    return row is not None


def void_links(connection: Connection, user_id: UUID) -> None:
    """No mailed link gives this user another password any longer."""
    connection.execute("DELETE FROM state.password_resets WHERE user_id = %s", (user_id,))


def set_role(connection: Connection, user_id: UUID, role: Role) -> None:
    """Another role, in force within a second."""
    connection.execute("UPDATE state.users SET role = %s WHERE user_id = %s", (role, user_id))


def remove(connection: Connection, user_id: UUID) -> None:
    """No account any longer."""
    connection.execute("DELETE FROM state.users WHERE user_id = %s", (user_id,))


def other_owners(connection: Connection, organization_id: UUID, user_id: UUID) -> int:
    """How many owners there are besides. Locks all owners, so that two cannot leave at once."""
    rows = connection.execute(
        "SELECT user_id FROM state.users WHERE organization_id = %s AND role = 'owner'"
        " ORDER BY user_id FOR UPDATE",
        (organization_id,),
    ).fetchall()
    return sum(UUID(owner) != user_id for (owner,) in rows)


def role_of(connection: Connection, user_id: UUID) -> Role | None:
    """A user's role now."""
    row = connection.execute(
        "SELECT role FROM state.users WHERE user_id = %s", (user_id,)
    ).fetchone()
    return cast("Role", row[0]) if row else None

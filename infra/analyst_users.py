"""Analyst logins as users of a real ClickHouse server, as SQL for its administrator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from domain.organization.analyst import username_of
from infra.postgres import Connection

_ADMITTED = """
    SELECT analyst_id, organization_id, secret_hash FROM state.analyst_secrets ORDER BY analyst_id
"""
_REVOKED = "SELECT id FROM views.analysts WHERE revoked_at IS NOT NULL ORDER BY id"


class Admitted(NamedTuple):
    """A login in use; `secret_hash` is the SHA-256 of its password, as ClickHouse keeps it."""

    analyst_id: UUID
    organization_id: UUID
    secret_hash: bytes


def read_logins(connection: Connection) -> tuple[list[Admitted], list[UUID]]:
    """The logins in use, and the ids of those that were revoked."""
    admitted = [
        Admitted(UUID(analyst), UUID(organization), bytes(secret_hash))
        for analyst, organization, secret_hash in connection.execute(_ADMITTED)
    ]
    return admitted, [UUID(row[0]) for row in connection.execute(_REVOKED)]


def user_statements(admitted: Iterable[Admitted], revoked: Iterable[UUID]) -> list[str]:
    """What makes a server's users these; repeating it changes nothing."""
    statements = [f"DROP USER IF EXISTS {username_of(each)}" for each in revoked]
    for login in admitted:
        name = username_of(login.analyst_id)
        create = (
            f"CREATE USER IF NOT EXISTS {name}"
            f" IDENTIFIED WITH sha256_hash BY '{login.secret_hash.hex()}'"
            f" SETTINGS nudge_organization = '{login.organization_id}' CONST,"
            " PROFILE 'nudge_analyst'"
        )
        statements += [
            create,
            f"GRANT nudge_analyst TO {name}",
            f"ALTER USER {name} DEFAULT ROLE nudge_analyst",
        ]
    return statements

"""Sessions and their refresh tokens, in the caller's transaction."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID, uuid4

from api.people import Visit
from api.ports import CommandTransaction
from domain.people.commands import Ending, Entry
from domain.people.decisions import REFRESH_TOKEN, Presented, judge
from domain.people.session import Session
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra.people.accounts import Where
from infra.postgres import Connection

USER_AGENT_MAX: Final = 200
_PRESENTED: Final = """
    SELECT t.used_at IS NOT NULL, t.expires_at, s.ended_at IS NOT NULL, s.user_id
    FROM state.refresh_tokens t JOIN state.sessions s USING (session_id)
    WHERE t.token_hash = %s FOR UPDATE
"""
_LISTED: Final = """
    SELECT session_id, user_id, user_agent, started_at, last_used_at, expires_at
    FROM state.sessions WHERE ended_at IS NULL AND expires_at > %(now)s
      AND (%(user)s::uuid IS NULL OR user_id = %(user)s::uuid)
    ORDER BY last_used_at DESC, session_id LIMIT 500
"""


class Place(NamedTuple):
    """Where a refresh token belongs."""

    organization_id: UUID
    session_id: UUID


class Begun(NamedTuple):
    """A session with its first, or next, refresh token."""

    session_id: UUID
    user_id: UUID
    refresh_token: str


def begin(tx: CommandTransaction, where: Where, entry: Entry, visit: Visit, meta: Meta) -> Begun:
    """A new session of a user of this organization."""
    session_id = uuid4()
    tx.save(Session.start(session_id, where.user_id, entry, meta))
    tx.connection.execute(
        "INSERT INTO state.sessions (session_id, organization_id, user_id, user_agent, started_at,"
        " last_used_at, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            session_id,
            where.organization_id,
            where.user_id,
            _readable(visit.user_agent),
            visit.now,
            visit.now,
            visit.now + REFRESH_TOKEN,
        ),
    )
    return Begun(session_id, where.user_id, _token(tx, session_id, visit.now))


def of_token(connection: Connection, token: str) -> Place | None:
    """Where a refresh token belongs that we made; None for any other text."""
    row = connection.execute(
        "SELECT organization_id, session_id FROM state.find_refresh_token(%s)", (_hash(token),)
    ).fetchone()
    return Place(UUID(row[0]), UUID(row[1])) if row else None


def rotate(
    tx: CommandTransaction, session_id: UUID, token: str, visit: Visit, meta: Meta
) -> Begun | Literal["reused", "refused"]:
    """The next token for this one; a used one ends the session."""
    row = tx.connection.execute(_PRESENTED, (_hash(token),)).fetchone()
    if row is None:
        return "refused"
    verdict = judge(Presented(*row[:3]), visit.now)
    if verdict == "reused":
        end(tx, session_id, "token_reused", meta)
    if verdict != "rotate":
        return verdict
    tx.connection.execute(
        "UPDATE state.refresh_tokens SET used_at = %s WHERE token_hash = %s",
        (visit.now, _hash(token)),
    )
    tx.connection.execute(
        "UPDATE state.sessions SET last_used_at = %s, expires_at = %s WHERE session_id = %s",
        (visit.now, visit.now + REFRESH_TOKEN, session_id),
    )
    return Begun(session_id, UUID(row[3]), _token(tx, session_id, visit.now))


def end(tx: CommandTransaction, session_id: UUID, reason: Ending, meta: Meta) -> None:
    """Over, with all its tokens."""
    session = tx.load(Session, session_id)
    session.end(reason, meta)
    tx.save(session)
    tx.connection.execute(
        "UPDATE state.sessions SET ended_at = coalesce(ended_at, %s) WHERE session_id = %s",
        (meta.now, session_id),
    )
    tx.connection.execute("DELETE FROM state.refresh_tokens WHERE session_id = %s", (session_id,))


def end_all(
    tx: CommandTransaction,
    user_id: UUID,
    reason: Ending,
    meta: Meta,
    *,
    but: UUID | None = None,
) -> None:
    """Every session of a user that goes on; all `but` one, if it is named."""
    rows = tx.connection.execute(
        "SELECT session_id FROM state.sessions WHERE user_id = %s AND ended_at IS NULL"
        " AND session_id IS DISTINCT FROM %s::uuid ORDER BY session_id FOR UPDATE",
        (user_id, but),
    ).fetchall()
    for (session_id,) in rows:
        end(tx, UUID(session_id), reason, meta)


def forget(tx: CommandTransaction, user_id: UUID) -> None:
    """The sessions of somebody who was removed, with what their browsers call themselves."""
    tx.connection.execute("DELETE FROM state.sessions WHERE user_id = %s", (user_id,))


def end_one(tx: CommandTransaction, session_id: UUID, only_of: UUID | None, meta: Meta) -> None:
    """A session that goes on, of this user if one is named. Raises NotFoundError."""
    row = tx.connection.execute(
        "SELECT user_id FROM state.sessions WHERE session_id = %s AND ended_at IS NULL FOR UPDATE",
        (session_id,),
    ).fetchone()
    if row is None or (only_of is not None and UUID(row[0]) != only_of):
        raise NotFoundError("session")
    end(tx, session_id, "revoked", meta)


def listed(connection: Connection, user_id: UUID | None, now: datetime) -> list[dict[str, Any]]:
    """Sessions that go on, the last used first, at most 500."""
    rows = connection.execute(_LISTED, {"now": now, "user": user_id}).fetchall()
    names = ("id", "user_id", "user_agent", "started_at", "last_used_at", "expires_at")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _token(tx: CommandTransaction, session_id: UUID, now: datetime) -> str:
    token = f"nr_{secrets.token_urlsafe(32)}"
    tx.connection.execute(
        "INSERT INTO state.refresh_tokens (token_hash, organization_id, session_id, expires_at)"
        " VALUES (%s, %s, %s, %s)",
        (_hash(token), tx.organization_id, session_id, now + REFRESH_TOKEN),
    )
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _readable(user_agent: str) -> str:
    return "".join(c for c in user_agent if c.isprintable())[:USER_AGENT_MAX]

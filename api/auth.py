"""Who is calling, and whether they may: the bearer token, looked up by its hash."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import structlog
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.errors import Problem
from api.limiting import Limiter
from api.people import Holder
from api.ports import Services
from domain.access.permissions import ROLES, Permission, permissions_of

CONCEALED: Final = "***"
"""Stands where a caller may not see what is there."""
_KEPT = 0.9
"""Seconds a found key is believed where no notification comes: with it a revocation is told at
once, without it, it still takes effect within a second."""
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller and what they may do. `actor` is how events name them."""

    organization_id: UUID
    actor: str
    permissions: frozenset[Permission]
    key_id: UUID | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None

    def ensure(self, *needed: Permission) -> None:
        """Raise Problem (403), which names what is missing, unless they may do all of these."""
        missing = [each for each in needed if each not in self.permissions]
        if missing:
            raise not_allowed(missing)


class _Found(NamedTuple):
    """A key that was looked up at `at` (monotonic), and until when it is accepted at all."""

    at: float
    caller: Principal
    ends_at: datetime | None


class ApiKeys:
    """Looks keys up, remembers each for a moment, and notes that they are used. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[bytes, _Found] = {}
        self._changes = 0

    def find(self, token: str) -> Principal | None:
        """The caller, or None for a key that is not in use. Blocks."""
        return self.remembered(token) or self._admitted(self._look_up(_hash(token)))

    def remembered(self, token: str) -> Principal | None:
        """The caller of a key seen within the last second; None says nothing. Never blocks."""
        found = self._known.get(_hash(token))
        if found is None or time.monotonic() - found.at >= _KEPT:
            return None
        return self._admitted(found)

    def _admitted(self, found: _Found | None) -> Principal | None:
        now = self._services.clock()
        if found is None or (found.ends_at is not None and found.ends_at <= now):
            return None
        caller = found.caller
        if caller.key_id is not None:
            self._services.key_traffic.used(caller.organization_id, caller.key_id, now)
        return caller

    def forget(self) -> None:
        """Some key was made, replaced or revoked: look all of them up again."""
        self._changes += 1
        self._known = {}

    def _look_up(self, secret_hash: bytes) -> _Found | None:
        """What is in force now; remembered unless something changed meanwhile."""
        at, changes = time.monotonic(), self._changes
        with self._services.reads.anonymous() as connection:
            row = connection.execute(
                "SELECT organization_id, key_id, scopes, ends_at FROM views.find_api_key(%s)",
                (secret_hash,),
            ).fetchone()
        known = self._known
        if row is None:
            known.pop(secret_hash, None)
            return None
        key_id = UUID(row[1])
        caller = Principal(UUID(row[0]), f"key:{key_id}", permissions_of(row[2]), key_id=key_id)
        found = _Found(at, caller, row[3])
        if changes == self._changes:
            if len(known) >= _MOST_KEPT:
                known.clear()
            known[secret_hash] = found
        return found


class Callers:
    """Everybody who may call: API keys, and people by their access tokens."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.keys = ApiKeys(services)

    def find(self, token: str) -> Principal | None:
        """The caller, or None for a token that is not to be believed. Blocks."""
        if _is_key(token):
            return self.keys.find(token)
        return _principal(self._services.people.tokens.find(token))

    def remembered(self, token: str) -> Principal | None:
        """The caller of a token seen within the last second; None says nothing. Never blocks."""
        if _is_key(token):
            return self.keys.remembered(token)
        return _principal(self._services.people.tokens.remembered(token))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _is_key(token: str) -> bool:
    return token.count(".") != 2  # a JWT has three parts, and a key has no dots


def _principal(holder: Holder | None) -> Principal | None:
    if holder is None:
        return None
    return Principal(
        holder.organization_id,
        f"user:{holder.user_id}",
        ROLES[holder.role],
        user_id=holder.user_id,
        session_id=holder.session_id,
    )


def services_of(request: Request) -> Services:
    """What bootstrap handed to the application."""
    services: Services = request.app.state.services
    return services


async def authenticate(request: Request) -> Principal:
    """The caller of a request. 401 without a key that is in use."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated()
    callers: Callers = request.app.state.callers
    token = token.strip()
    # A thread costs as much as the rest of the check: only what has to be looked up takes one.
    principal = callers.remembered(token) or await run_in_threadpool(callers.find, token)
    if principal is None:
        raise unauthenticated()
    limiter: Limiter = request.app.state.limiter
    request.state.rate_headers = limiter.take_caller(
        principal.organization_id, principal.key_id, principal.user_id
    )
    request.state.principal = principal
    told_in_logs(principal)
    return principal


def told_in_logs(principal: Principal) -> None:
    """Every log entry of this request or connection from now on says whose it is."""
    whose = {"organization_id": principal.organization_id, "user_id": principal.user_id}
    structlog.contextvars.bind_contextvars(**{k: str(v) for k, v in whose.items() if v})


def unauthenticated() -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "Send `Authorization: Bearer <token>` with a key in use, or an access token still valid.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def not_allowed(missing: Sequence[Permission]) -> Problem:
    """403 that says which permission is missing."""
    names = " and ".join(missing)
    return Problem(
        403,
        "not_allowed",
        f"This needs the permission {names}. Ask an owner of the organization for it.",
        errors=[
            {"field": "Authorization", "code": "missing_permission", "detail": each}
            for each in missing
        ],
    )


Caller = Annotated[Principal, Depends(authenticate)]
ServicesOf = Annotated[Services, Depends(services_of)]


class Allowed:
    """What an endpoint needs: a dependency that refuses callers without it.

    `sometimes` is needed for some requests only, for which the endpoint calls `caller.ensure`.
    """

    def __init__(self, needed: Sequence[Permission], sometimes: Sequence[Permission]) -> None:
        self.needed = tuple(needed)
        self.sometimes = tuple(sometimes)

    async def __call__(self, caller: Caller) -> None:
        caller.ensure(*self.needed)


def allow(*needed: Permission, sometimes: Sequence[Permission] = ()) -> Any:
    """Declare what an endpoint needs: `@router.get("", dependencies=[allow("contacts:read")])`."""
    return Depends(Allowed(needed, sometimes))

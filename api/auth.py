"""Who is calling: the bearer token, looked up by its hash."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.errors import Problem
from api.ports import Reads, Services

_KEPT = 1.0
"""Seconds a found key is believed: a revocation takes effect within a second."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `actor` is how events name it."""

    organization_id: UUID
    key_id: UUID

    @property
    def actor(self) -> str:
        return f"key:{self.key_id}"


class ApiKeys:
    """Looks keys up, and remembers each for a second."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._known: dict[bytes, tuple[float, Principal]] = {}

    def find(self, token: str) -> Principal | None:
        """The caller, or None for a key that is not in use."""
        secret_hash = hashlib.sha256(token.encode()).digest()
        now = time.monotonic()
        known = self._known.get(secret_hash)
        if known and now - known[0] < _KEPT:
            return known[1]
        with self._reads.anonymous() as connection:
            row = connection.execute(
                "SELECT organization_id, key_id FROM views.find_api_key(%s)", (secret_hash,)
            ).fetchone()
        if row is None:
            self._known.pop(secret_hash, None)
            return None
        principal = Principal(UUID(row[0]), UUID(row[1]))
        self._known[secret_hash] = (now, principal)
        if len(self._known) > 10_000:
            self._known.clear()
        return principal


def services_of(request: Request) -> Services:
    """What bootstrap handed to the application."""
    services: Services = request.app.state.services
    return services


async def authenticate(request: Request) -> Principal:
    """The caller of a request. 401 without a key that is in use."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated()
    keys: ApiKeys = request.app.state.api_keys
    principal = await run_in_threadpool(keys.find, token.strip())
    if principal is None:
        raise unauthenticated()
    request.state.principal = principal
    return principal


def unauthenticated() -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "Send `Authorization: Bearer <api key>` with a key that is in use.",
        headers={"WWW-Authenticate": "Bearer"},
    )


Caller = Annotated[Principal, Depends(authenticate)]
ServicesOf = Annotated[Services, Depends(services_of)]

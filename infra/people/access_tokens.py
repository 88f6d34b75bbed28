"""Access tokens: JWTs that say who and which session, believed while that session goes on."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import jwt
import structlog
from prometheus_client import Counter

from api.people import Holder
from domain.access.permissions import Role
from domain.people.decisions import ACCESS_TOKEN
from domain.ports import Clock
from infra.people.token_keys import TokenKeys
from infra.postgres import Connection

AUDIENCE: Final = "nudge-api"
_ALGORITHM: Final = "EdDSA"
_TYPE: Final = "at+jwt"  # RFC 9068
_KEPT: Final = 1.0
"""Seconds a session is believed to go on: a revocation takes effect within a second."""
_SKEW: Final = timedelta(seconds=2)
"""How far the clocks of two API processes may differ for a token that is not valid before now."""
_UNREADABLE: Final = (jwt.PyJWTError, ValueError, KeyError, TypeError, RecursionError)
_CLAIMS: Final = ["exp", "nbf", "iat", "iss", "aud", "sub", "org", "sid", "jti"]
_GOING_ON: Final = """
    SELECT u.role FROM state.sessions s JOIN state.users u ON u.user_id = s.user_id
    WHERE s.session_id = %s AND s.user_id = %s AND s.ended_at IS NULL
"""
_REFUSED = Counter("nudge_api_tokens_refused_total", "Access tokens not believed.", ["reason"])
_log = structlog.get_logger("api")


class _Known(NamedTuple):
    looked: float
    holder: Holder
    expires_at: datetime


class AccessTokens:
    """Makes and reads access tokens. Thread-safe; blocks on Postgres when it has to look.

    `sessions` opens a transaction that sees one organization.
    """

    def __init__(
        self,
        keys: TokenKeys,
        issuer: str,
        clock: Clock,
        sessions: Callable[[str], AbstractContextManager[Connection]],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._sessions = sessions
        self._known: dict[bytes, _Known] = {}

    def issue(self, organization_id: UUID, user_id: UUID, session_id: UUID) -> str:
        """A token for the next quarter of an hour. The role is not in it: it may change."""
        keys, now = self._keys.keys(), self._clock()
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "org": str(organization_id),
            "sid": str(session_id),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + ACCESS_TOKEN).timestamp()),
            "jti": str(uuid.uuid4()),
        }
        headers = {"kid": keys.kid, "typ": _TYPE}
        return jwt.encode(claims, keys.signing, algorithm=_ALGORITHM, headers=headers)

    def find(self, token: str) -> Holder | None:
        """Who holds it; None for one that is not to be believed."""
        return self.remembered(token) or self._look_up(token)

    def remembered(self, token: str) -> Holder | None:
        """Who holds a token looked up within the last second; None says nothing. Never blocks."""
        known = self._known.get(_digest(token))
        if known is None or time.monotonic() - known.looked >= _KEPT:
            return None
        return known.holder if self._clock() < known.expires_at else None

    def _look_up(self, token: str) -> Holder | None:
        digest, now = _digest(token), time.monotonic()
        try:
            claims = self._claims(token)
            holder = self._holder(claims)
        except _UNREADABLE as error:
            self._known.pop(digest, None)
            _REFUSED.labels(type(error).__name__).inc()
            _log.warning("an access token is refused", reason=type(error).__name__)
            return None
        if len(self._known) >= 10_000:
            self._known.clear()
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        self._known[digest] = _Known(now, holder, expires_at)
        return holder

    def forget(self) -> None:
        """Look every session up again, and every key."""
        self._known.clear()
        self._keys.forget()

    def _claims(self, token: str) -> dict[str, Any]:
        """What a token says. Raises jwt.InvalidTokenError unless every part of it is right."""
        header = jwt.get_unverified_header(token)
        kid = str(header.get("kid", ""))
        key = self._keys.keys(kid).believed.get(kid)
        if key is None or header.get("typ") != _TYPE:
            raise jwt.InvalidKeyError("signed by none of our keys, or no access token")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=self._issuer,
            # The library would ask the machine's clock; ours may have been moved ahead.
            options={
                "require": _CLAIMS, "verify_exp": False, "verify_nbf": False, "verify_iat": False,
            },
        )  # fmt: skip
        now = self._clock().timestamp()
        if now >= float(claims["exp"]):
            raise jwt.ExpiredSignatureError
        if now + _SKEW.total_seconds() < float(claims["nbf"]):
            raise jwt.ImmatureSignatureError
        return claims

    def _holder(self, claims: dict[str, Any]) -> Holder:
        organization_id, user_id = UUID(claims["org"]), UUID(claims["sub"])
        session_id = UUID(claims["sid"])
        with self._sessions(str(organization_id)) as connection:
            row = connection.execute(_GOING_ON, (session_id, user_id)).fetchone()
        if row is None:
            raise jwt.InvalidTokenError("the session is over")
        return Holder(organization_id, user_id, session_id, cast("Role", row[0]))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

"""Keys that sign access tokens: one signs, those before it are believed until their tokens end."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.people.decisions import ACCESS_TOKEN
from domain.shared.errors import UnavailableError
from infra.people.vault import LockedError, Vault
from infra.postgres import Connection

KEEPS_SIGNING: Final = timedelta(days=30)
"""Then the effects make the next key by themselves."""
_KNOWN_FOR: Final = 5.0
_BELIEVED: Final = ACCESS_TOKEN + timedelta(minutes=1)
"""A process may sign with a retired key for as long as it knows the keys, and clocks differ."""
_READ: Final = """
    SELECT kid, public_key, wrapped, retired_at IS NULL FROM state.token_keys
    WHERE retired_at IS NULL OR retired_at > now() + (SELECT ahead FROM state.clock) - %s::interval
    ORDER BY retired_at NULLS FIRST
"""
_NEWER_THAN: Final = """
    SELECT kid, wrapped FROM state.token_keys
    WHERE retired_at IS NULL AND made_at > now() + (SELECT ahead FROM state.clock) - %s::interval
"""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys as of a moment: the one that signs, and all that are believed, by `kid`."""

    kid: str
    signing: Ed25519PrivateKey
    believed: Mapping[str, Ed25519PublicKey]

    def published(self) -> dict[str, object]:
        """The public halves as a JSON Web Key Set (RFC 7517, RFC 8037)."""
        return {"keys": [_jwk(kid, key) for kid, key in self.believed.items()]}


class TokenKeys:
    """The key set, as of a few seconds ago. Thread-safe; blocks on Postgres."""

    def __init__(
        self, vault: Vault, connections: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._vault = vault
        self._connections = connections
        self._lock = threading.Lock()
        self._known: tuple[float, KeySet] | None = None

    def keys(self, kid: str | None = None) -> KeySet:
        """The keys; read again when `kid` is none of them, once a second at most.

        Raises UnavailableError as long as there is no key at all.
        """
        now = time.monotonic()
        known = self._known
        if known is not None:
            patience = _KNOWN_FOR if kid is None or kid in known[1].believed else 1.0
            if now - known[0] < patience:
                return known[1]
        with self._lock:
            if self._known is not known and self._known is not None:
                return self._known[1]  # somebody else has just read them
            found = self._read()
            self._known = now, found
        return found

    def _read(self) -> KeySet:
        with self._connections() as connection:
            rows = connection.execute(_READ, (_BELIEVED,)).fetchall()
        signing = [(kid, wrapped) for kid, _, wrapped, signs in rows if signs]
        if not signing:
            raise UnavailableError("There is no key for tokens yet.")
        kid, wrapped = signing[0]
        try:
            private = self._vault.open(bytes(wrapped), kid)
        except LockedError:
            raise UnavailableError("The key for tokens cannot be opened.") from None
        return KeySet(
            kid,
            Ed25519PrivateKey.from_private_bytes(private),
            {
                each: Ed25519PublicKey.from_public_bytes(bytes(public))
                for each, public, _, _ in rows
            },
        )

    def rotate(self, connection: Connection, *, only_after: timedelta | None = None) -> str | None:
        """Let a fresh key sign from now on, in the caller's transaction; its `kid`.

        With `only_after`: unless the present one is younger than that; None then. One that cannot
        be opened is replaced in any case.
        """
        connection.execute("SELECT pg_advisory_xact_lock(7311)")
        if only_after is not None and self._good(connection, only_after):
            return None
        fresh = Ed25519PrivateKey.generate()
        public = fresh.public_key().public_bytes_raw()
        kid = base64.urlsafe_b64encode(public[:12]).decode()
        connection.execute(
            "UPDATE state.token_keys SET retired_at = now() + (SELECT ahead FROM state.clock)"
            " WHERE retired_at IS NULL"
        )
        connection.execute(
            "INSERT INTO state.token_keys (kid, public_key, wrapped, made_at)"
            " SELECT %s, %s, %s, now() + ahead FROM state.clock",
            (kid, public, self._vault.seal(fresh.private_bytes_raw(), kid)),
        )
        return kid

    def _good(self, connection: Connection, only_after: timedelta) -> bool:
        row = connection.execute(_NEWER_THAN, (only_after,)).fetchone()
        try:
            return row is not None and bool(self._vault.open(bytes(row[1]), row[0]))
        except LockedError:
            return False

    def forget(self) -> None:
        """Read the keys anew at the next use."""
        self._known = None


def _jwk(kid: str, key: Ed25519PublicKey) -> dict[str, str]:
    x = base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}

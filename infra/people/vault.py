"""Small secrets of people at rest: sealed under a key that the master key wraps, as any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from domain.organization.dead_letter import INSTALLATION
from infra.keys import SubjectKeys, derive_key
from infra.postgres import Connection, organization_transaction
from schemas.ports import RandomBytes

VAULT: Final = str(UUID("5c1d9a54-2f0f-4a6c-9a3e-6d0b6f2c7e11"))
"""The subject whose key it is, in `log.subject_keys`: rotating the master key wraps it anew."""
_NONCE: Final = 12


class LockedError(Exception):
    """A sealed value does not open: its key is gone, or it was sealed in another row."""


class Vault:
    """AES-256-GCM, bound to the row's id, so that no sealed value can be moved to another row.

    Layout: 12 bytes of nonce, then the ciphertext with its tag. Thread-safe; blocks on Postgres
    for as long as the key is not known.
    """

    def __init__(
        self,
        keys: SubjectKeys,
        pool: ConnectionPool[Connection],
        purpose: str,
        random_bytes: RandomBytes,
    ) -> None:
        self._keys = keys
        self._pool = pool
        self._purpose = purpose
        self._random = random_bytes
        self._known: AESGCM | None = None

    def seal(self, plain: bytes, row: str) -> bytes:
        """What the row of this id may hold."""
        nonce = self._random(_NONCE)
        return nonce + self._cipher().encrypt(nonce, plain, row.encode())

    def open(self, sealed: bytes, row: str) -> bytes:
        """The plaintext. Raises LockedError."""
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], row.encode())
        except InvalidTag:
            raise LockedError(row) from None

    def seal_fields(self, fields: Mapping[str, str], row: str) -> bytes:
        """The same for named texts."""
        return self.seal(json.dumps(dict(fields)).encode(), row)

    def open_fields(self, sealed: bytes, row: str) -> dict[str, str]:
        """And back. Raises LockedError."""
        fields: dict[str, str] = json.loads(self.open(bytes(sealed), row))
        return fields

    def _cipher(self) -> AESGCM:
        if self._known is None:  # it is never destroyed, and rotations leave it what it is
            self._known = AESGCM(derive_key(self._key(), self._purpose))
        return self._known

    def _key(self) -> bytes:
        installation = str(INSTALLATION)
        with organization_transaction(self._pool, installation) as connection:
            found = self._keys.ensure(connection, {VAULT: installation})
        if VAULT not in found:
            raise LockedError(VAULT)
        return found[VAULT]

"""Small secrets of people at rest: sealed under keys that the master key gives."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.keys import derive_key
from schemas.ports import RandomBytes

_NONCE = 12


class Vault:
    """AES-256-GCM, bound to the row's id, so that no sealed value can be moved to another row.

    Layout: 12 bytes of nonce, then the ciphertext with its tag.
    """

    def __init__(self, master_key: bytes, purpose: str, random_bytes: RandomBytes) -> None:
        self._cipher = AESGCM(derive_key(master_key, purpose))
        self._random = random_bytes

    def seal(self, plain: bytes, row: str) -> bytes:
        """What the row of this id may hold."""
        nonce = self._random(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, row.encode())

    def open(self, sealed: bytes, row: str) -> bytes:
        """The plaintext. Raises cryptography's InvalidTag when it is not what was sealed there."""
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], row.encode())

    def seal_fields(self, fields: Mapping[str, str], row: str) -> bytes:
        """The same for named texts."""
        return self.seal(json.dumps(dict(fields)).encode(), row)

    def open_fields(self, sealed: bytes, row: str) -> dict[str, str]:
        """And back."""
        fields: dict[str, str] = json.loads(self.open(bytes(sealed), row))
        return fields

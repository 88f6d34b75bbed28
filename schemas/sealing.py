"""Sealing: the personal fields of one subject in an event as one encrypted record.

Envelope: one byte of version (1), the 16 bytes of the subject's UUID (its key's id), a 12-byte
nonce, then AES-256-GCM ciphertext with its 16-byte tag. The event's id and the field's name are
authenticated with it, so that a sealed field cannot be moved to another event.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_HEADER: Final = 17
_NONCE: Final = 12
_SMALLEST: Final = _HEADER + _NONCE + 16


class Erased(str):
    """What a sealed field reads as once its key is gone: empty, false, and recognisable."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ERASED"


ERASED: Final = Erased("")


class SealBrokenError(Exception):
    """A sealed field does not open with its subject's key: the bytes were altered or moved."""


def seal(plaintext: bytes, *, subject: str, key: bytes, nonce: bytes, bound_to: bytes) -> bytes:
    """The envelope of `plaintext` under `key` (32 bytes) of `subject` (a UUID as text)."""
    ciphertext = AESGCM(key).encrypt(nonce, plaintext, bound_to)
    return _VERSION + UUID(subject).bytes + nonce + ciphertext


def subject_of(envelope: bytes) -> str:
    """Whose key opens the envelope, as UUID text. Raises SealBrokenError when it is none."""
    if envelope[:1] != _VERSION or len(envelope) < _SMALLEST:
        raise SealBrokenError("a sealed field does not hold an envelope")
    return str(UUID(bytes=bytes(envelope[1:_HEADER])))


def unseal(envelope: bytes, *, key: bytes, bound_to: bytes) -> bytes:
    """The plaintext. Raises SealBrokenError when the bytes are not what was sealed."""
    nonce = envelope[_HEADER : _HEADER + _NONCE]
    try:
        return AESGCM(key).decrypt(nonce, envelope[_HEADER + _NONCE :], bound_to)
    except InvalidTag:
        raise SealBrokenError(f"a field sealed for {subject_of(envelope)} does not open") from None


def erased_fields(names: list[str]) -> dict[str, Any]:
    """Every field of a sealed record whose key is gone."""
    return dict.fromkeys(names, ERASED)

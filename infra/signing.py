"""Signatures of this installation (Ed25519), each for one purpose, checkable by anyone."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def signed_bytes(purpose: str, message: bytes) -> bytes:
    """What is signed: the purpose, a zero byte, the message.

    So a signature of one kind of document never fits another kind.
    """
    return purpose.encode() + b"\x00" + message


class Signer:
    """Signs with the key of this installation: the 32 bytes of its key file (RFC 8032's seed)."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()
        """32 bytes; no secret."""

    def sign(self, purpose: str, message: bytes) -> bytes:
        """64 bytes, the same for the same purpose and message."""
        return self._key.sign(signed_bytes(purpose, message))


def is_signed(public_key: bytes, purpose: str, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed this message for this purpose. Never raises."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signature, signed_bytes(purpose, message))
    except (InvalidSignature, ValueError):
        return False
    return True

"""Tokens of unsubscribe links: which delivery the link was in, and proof that we made it."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final
from uuid import UUID

_ID: Final = 16
_PROOF: Final = 16


def make_token(secret: bytes, delivery_id: str) -> str:
    """43 characters that are safe in a URL. `delivery_id` is UUID text."""
    identity = UUID(delivery_id).bytes
    return base64.urlsafe_b64encode(identity + _proof(secret, identity)).decode().rstrip("=")


def read_token(secret: bytes, token: str) -> str | None:
    """The delivery id of a token we made, as UUID text; None for any other text."""
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=", altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    identity, proof = raw[:_ID], raw[_ID:]
    if len(raw) != _ID + _PROOF or not hmac.compare_digest(proof, _proof(secret, identity)):
        return None
    return str(UUID(bytes=identity))


def _proof(secret: bytes, identity: bytes) -> bytes:
    return hmac.digest(secret, identity, "sha256")[:_PROOF]

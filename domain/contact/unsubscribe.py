"""Tokens of unsubscribe links: which mail the link was in, whom it went to, and that we made it.

The address stands in the link because the contact may have another one by the time it is used.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final, NamedTuple
from uuid import UUID

_ID: Final = 16
_ADDRESS: Final = 32
_PROOF: Final = 16


class Mailed(NamedTuple):
    """One mail: its delivery, as UUID text, and the keyed hash of the address it went to.

    `address_hmac` is None in links of earlier versions, which did not say it.
    """

    delivery_id: str
    address_hmac: bytes | None


def make_token(secret: bytes, delivery_id: str, address_hmac: bytes | None = None) -> str:
    """86 characters that are safe in a URL, 43 without the address. `delivery_id` is UUID text."""
    said = UUID(delivery_id).bytes + (address_hmac or b"")
    return base64.urlsafe_b64encode(said + _proof(secret, said)).decode().rstrip("=")


def read_token(secret: bytes, token: str) -> Mailed | None:
    """The mail that a token of ours was in; None for any other text."""
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    said, proof = raw[:-_PROOF], raw[-_PROOF:]
    if len(said) not in (_ID, _ID + _ADDRESS):
        return None
    if not hmac.compare_digest(proof, _proof(secret, said)):
        return None
    return Mailed(str(UUID(bytes=said[:_ID])), said[_ID:] or None)


def _proof(secret: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, said, "sha256")[:_PROOF]

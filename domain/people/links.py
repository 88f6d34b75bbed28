"""Tokens of links in mails to people: what for, whose, and proof that we made them."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID

Purpose = Literal["signup", "reset", "invitation"]
_PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
_PROOF: Final = 32
_SIZE: Final = 1 + 16 + 16 + _PROOF


class Link(NamedTuple):
    """What a token stands for. Whether it may still be used is known by a row, not by it."""

    purpose: Purpose
    organization_id: UUID
    subject_id: UUID


def make_token(secret: bytes, link: Link) -> str:
    """87 characters that are safe in a URL; the same for the same link."""
    said = bytes([_PURPOSES.index(link.purpose)]) + link.organization_id.bytes
    said += link.subject_id.bytes
    return base64.urlsafe_b64encode(said + _proof(secret, said)).decode().rstrip("=")


def read_token(secret: bytes, token: str, purpose: Purpose) -> Link | None:
    """The link of a token we made for this purpose; None for any other text."""
    link = link_of(secret, token)
    return link if link is not None and link.purpose == purpose else None


def link_of(secret: bytes, token: str) -> Link | None:
    """The link of a token we made, whatever for; None for any other text."""
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    said, proof = raw[:-_PROOF], raw[-_PROOF:]
    if len(raw) != _SIZE or not hmac.compare_digest(proof, _proof(secret, said)):
        return None
    return Link(_PURPOSES[said[0]], UUID(bytes=said[1:17]), UUID(bytes=said[17:33]))


def _proof(secret: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, said, "sha256")

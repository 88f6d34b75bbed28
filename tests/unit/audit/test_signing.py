"""Signatures: RFC 8032's key, and that only the same message for the same purpose fits."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.signing import Signer, is_signed, signed_bytes

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def test_the_public_key_is_that_of_the_standard() -> None:
    assert Signer(SEED).public_key == PUBLIC


def test_what_is_signed_is_the_purpose_a_zero_byte_and_the_message() -> None:
    signature = Signer(SEED).sign("nudge-test", b"hello")

    assert signature == Ed25519PrivateKey.from_private_bytes(SEED).sign(b"nudge-test\x00hello")
    assert signed_bytes("nudge-test", b"hello") == b"nudge-test\x00hello"
    assert is_signed(PUBLIC, "nudge-test", b"hello", signature)


@pytest.mark.parametrize(
    ("key", "purpose", "message", "signature"),
    [
        (PUBLIC, "nudge-test", b"hallo", None),
        (PUBLIC, "nudge-other", b"hello", None),
        (Signer(b"\x01" * 32).public_key, "nudge-test", b"hello", None),
        (PUBLIC, "nudge-test", b"hello", b"\x00" * 64),
        (PUBLIC, "nudge-test", b"hello", b"short"),
        (b"no key", "nudge-test", b"hello", None),
    ],
    ids=["message", "purpose", "key", "signature", "length", "no key"],
)
def test_anything_else_is_refused(
    key: bytes, purpose: str, message: bytes, signature: bytes | None
) -> None:
    good = Signer(SEED).sign("nudge-test", b"hello")

    assert not is_signed(key, purpose, message, good if signature is None else signature)

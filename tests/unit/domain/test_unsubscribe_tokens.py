"""Tokens of unsubscribe links: read back, short, and not to be forged."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact.unsubscribe import make_token, read_token

SECRET = b"s" * 32
DELIVERY = str(UUID(int=7))
ADDRESS = bytes(range(32))


@given(st.uuids(), st.binary(min_size=32, max_size=32))
def test_a_token_is_read_back(delivery: UUID, address: bytes) -> None:
    token = make_token(SECRET, str(delivery), address)

    assert len(token) == 86
    assert read_token(SECRET, token) == (str(delivery), address)


@given(st.uuids())
def test_a_token_of_an_earlier_version_is_read_back_without_an_address(delivery: UUID) -> None:
    token = make_token(SECRET, str(delivery))

    assert len(token) == 43
    assert read_token(SECRET, token) == (str(delivery), None)


def test_a_token_made_with_another_secret_is_none_of_ours() -> None:
    assert read_token(SECRET, make_token(b"x" * 32, DELIVERY, ADDRESS)) is None


@pytest.mark.parametrize("at", range(0, 85, 7))
def test_a_changed_token_is_none_of_ours(at: int) -> None:
    token = make_token(SECRET, DELIVERY, ADDRESS)
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]

    assert read_token(SECRET, changed) is None


@given(st.text(max_size=100))
def test_any_other_text_is_no_token(text: str) -> None:
    assert read_token(SECRET, text) is None

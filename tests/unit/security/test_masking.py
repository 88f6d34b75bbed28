"""What may be kept of a text: no address, key, token or password, and no value of a row."""

from __future__ import annotations

import pytest

from domain.shared.masking import MASKED, NEVER_SHOWN, mask, mask_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("no contact ada.lovelace+vip@example.co.uk, sorry", "no contact [address], sorry"),
        ("zoë@bücher.example wrote", "[address] wrote"),
        ("key nk_Zr4uT9qKk3kd93jd93 is revoked", "key [key] is revoked"),
        ("postgresql://api:s3cret@127.0.0.1:2543/nudge", "postgresql://[login]@127.0.0.1:2543/nudge"),
        ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer [token]"),
        ("basic dXNlcjpwYXNzd29yZA==", "basic [token]"),
        ("got eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "got [token]"),
        ("no\nDETAIL:  Key (email)=(Ada) exists.\nHINT: x", "no\nDETAIL: ***\nHINT: x"),
    ],
)  # fmt: skip
def test_personal_data_and_secrets_are_taken_out(text: str, kept: str) -> None:
    assert mask_text(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "batch 7 of delivery-events:2:41 will be tried again",
        "http://127.0.0.1:8000/health answers",
        "2026-03-02T09:01:10Z 12:30 a:b @ home",
        "organization e87cb45c-05ad-489d-9890-4ea398345c24",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize("name", ["email", "Server-Token", "api_key", "PASSWORD", "first_name"])
def test_a_field_with_such_a_name_is_never_shown(name: str) -> None:
    assert mask("anything", name) == MASKED


def test_containers_are_masked_throughout() -> None:
    value = {"who": ["a@b.example", {"email": "x", "n": 1}], "raw": b"abc", "none": None}
    assert mask(value) == {
        "who": ["[address]", {"email": MASKED, "n": 1}], "raw": "3 bytes", "none": None,
    }  # fmt: skip


def test_names_are_written_as_they_are_compared() -> None:
    assert {name.lower().replace("-", "_") for name in NEVER_SHOWN} == NEVER_SHOWN

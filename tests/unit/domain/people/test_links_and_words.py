"""Links in mails prove themselves; passwords and names are checked; mails say what they are."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.people.links import Link, Purpose, link_of, make_token, read_token
from domain.people.mails import MailKind, mail
from domain.people.values import password, person_name
from domain.shared.errors import InvalidValueError

SECRET = b"s" * 32
PURPOSES = get_args(Purpose)
LINKS = st.builds(Link, st.sampled_from(PURPOSES), st.uuids(), st.uuids())
LINK = Link("reset", UUID(int=1), UUID(int=2))


@given(LINKS)
def test_a_token_is_read_as_the_link_it_was_made_of(link: Link) -> None:
    token = make_token(SECRET, link)
    assert link_of(SECRET, token) == link
    for purpose in PURPOSES:
        assert (read_token(SECRET, token, purpose) == link) == (purpose == link.purpose)


@given(LINKS, st.integers(0, 64), st.integers(1, 255))
def test_a_token_with_any_byte_changed_is_none_of_ours(link: Link, at: int, by: int) -> None:
    import base64

    raw = bytearray(base64.urlsafe_b64decode(make_token(SECRET, link) + "="))
    raw[at] ^= by
    assert link_of(SECRET, base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")) is None


@given(st.text(max_size=120))
def test_no_other_text_is_a_token(text: str) -> None:
    assert link_of(SECRET, text) is None


def test_another_installation_cannot_read_it() -> None:
    assert link_of(b"t" * 32, make_token(SECRET, LINK)) is None


@pytest.mark.parametrize("good", ["crumbs in the morning", "пароль-пароль", "a b c d e f g"])
def test_a_long_password_of_any_characters_is_good(good: str) -> None:
    assert password(good, "rosa@example.com") == good


@pytest.mark.parametrize(
    "bad", ["short", "a" * 12, "abababababab", "x" * 129, "rosa.lang@example.com", "ROSA.LANG"]
)
def test_a_password_that_is_easily_guessed_is_refused(bad: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        password(bad, "rosa.lang@example.com")
    assert refused.value.code == "weak_password"


def test_a_name_says_something_and_is_one_line() -> None:
    assert person_name(" Rosa ") == "Rosa"
    for bad in ("", "  ", "a\nb", "x" * 201):
        with pytest.raises(InvalidValueError):
            person_name(bad)


@pytest.mark.parametrize("kind", get_args(MailKind))
def test_a_mail_holds_its_link_in_both_bodies_and_no_markup_of_others(kind: MailKind) -> None:
    made = mail(kind, "https://x.example/a/t", "<b>Evil</b>\nBcc: {x}")
    assert "<b>" not in made.html
    assert "\n" not in made.subject
    has_link = kind in ("signup", "reset", "invitation")
    assert ("https://x.example/a/t" in made.text) == has_link
    assert ('href="https://x.example/a/t"' in made.html) == has_link

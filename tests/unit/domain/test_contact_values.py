"""Addresses, names, attributes and tags: what passes, and the code of what does not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from domain.contact.values import Consent, ContactDetails, EmailAddress
from domain.shared.errors import InvalidValueError
from tests.unit.domain.made import details


@pytest.mark.parametrize(
    ("given", "normalised"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada+list@example.com", "ada+list@example.com"),
        ("ada@xn--exmple-cua.de", "ada@exämple.de"),
        ("Ada@EXÄMPLE.de", "ada@exämple.de"),
        ("Jörg@example.com", "jörg@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("hardbounce@bounce-testing.postmarkapp.com", "hardbounce@bounce-testing.postmarkapp.com"),
    ],
)
def test_two_spellings_of_an_address_are_the_same(given: str, normalised: str) -> None:
    parsed = EmailAddress.parse(given)
    assert parsed.normalised == normalised
    assert parsed.given == given.strip()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "missing"),
        ("   ", "missing"),
        (None, "not_text"),
        (7, "not_text"),
        ("ada", "invalid_email"),
        ("ada@", "invalid_email"),
        ("@example.com", "invalid_email"),
        ("a..b@example.com", "invalid_email"),
        (".a@example.com", "invalid_email"),
        ("a b@example.com", "invalid_email"),
        ("a@b@example.com", "invalid_email"),
        ("ada@localhost", "invalid_email"),
        ("ada@exa mple.com", "invalid_email"),
        ("ada@example..com", "invalid_email"),
        ("ada@-example.com", "invalid_email"),
        ("Ada <ada@example.com>", "invalid_email"),
        ("a" * 65 + "@example.com", "invalid_email"),
        ("ada@" + "e" * 64 + ".com", "invalid_email"),
        ("ada@example.com\x00", "control_characters"),
        ("ada\r\nBcc:x@example.com", "control_characters"),
        ("a@" + "e" * 250 + ".com", "too_long"),
        ("x" * 1_000_000, "too_long"),
    ],
)
def test_what_is_no_address_is_refused(given: object, code: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        EmailAddress.parse(given)
    assert (refused.value.field, refused.value.code) == ("email", code)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"first_name": "A" * 201}, "first_name", "too_long"),
        ({"first_name": "A\x00"}, "first_name", "control_characters"),
        ({"last_name": "Love\nlace"}, "last_name", "control_characters"),
        ({"last_name": "\ud800"}, "last_name", "control_characters"),
        ({"last_name": 3}, "last_name", "not_text"),
        ({"timezone": "Mars/Olympus"}, "timezone", "invalid_timezone"),
        ({"tags": "vip"}, "tags", "not_a_list"),
        ({"tags": ["x" * 51]}, "tags", "too_long"),
        ({"tags": [str(n) for n in range(101)]}, "tags", "too_many"),
        ({"attributes": {str(n): 1 for n in range(101)}}, "attributes", "too_many"),
        ({"attributes": {"a": "x" * 2001}}, "attributes.a", "too_long"),
        ({"attributes": {"a": "\x00"}}, "attributes.a", "control_characters"),
        ({"attributes": {"a": True}}, "attributes.a", "invalid_attribute"),
        ({"attributes": {"a": None}}, "attributes.a", "invalid_attribute"),
        ({"attributes": {"a": [1]}}, "attributes.a", "invalid_attribute"),
        ({"attributes": {"a": float("nan")}}, "attributes.a", "invalid_attribute"),
        ({"attributes": {"a": 2**63}}, "attributes.a", "invalid_attribute"),
        ({"attributes": {" ": 1}}, "attributes", "missing"),
        ({"attributes": {"a\n": 1}}, "attributes", "control_characters"),
    ],
)
def test_details_that_cannot_be_are_refused(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        details(**changes)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_tags_are_kept_once_and_empty_values_left_out() -> None:
    made = details(tags=["vip", " vip ", "", "new"], attributes={"a": "", "b": 0, "c": 1.5})
    assert made.tags == ("vip", "new")
    assert made.attributes == {"b": 0, "c": 1.5}


def test_details_survive_the_way_through_an_event() -> None:
    assert ContactDetails.from_fields(details().to_fields()) == details()


@pytest.mark.parametrize(
    ("arguments", "field", "code"),
    [
        (("maybe",), "consent.status", "invalid_consent"),
        (("granted",), "consent.source", "missing"),
        (("granted", "form", datetime(2026, 1, 1)), "consent.at", "invalid_date"),  # noqa: DTZ001
    ],
)
def test_a_consent_without_proof_is_refused(
    arguments: tuple[Any, ...], field: str, code: str
) -> None:
    with pytest.raises(InvalidValueError) as refused:
        Consent.of(*arguments)
    assert (refused.value.field, refused.value.code) == (field, code)

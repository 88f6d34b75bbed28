"""What betrays an erased person, in texts and in bytes, and what does not."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pytest

from infra.erasure.needles import NeedleFileError, Needles, Person, open_needles, seal_needles
from infra.keys import AddressHasher

HASH = AddressHasher(b"h" * 32)
ADA = "countess.77@mail.example.com"
CONTACT, ORGANIZATION = str(UUID(int=5)), str(UUID(int=6))
PERSON = Person(
    ORGANIZATION,
    CONTACT,
    frozenset({HASH(ADA)}),
    names=(("Ada", "Lovelace"),),
    texts=("+43 660 123",),
    wrapped_keys=(b"w" * 60,),
)


def needles(person: Person = PERSON) -> Needles:
    return Needles(person, HASH)


@pytest.mark.parametrize(
    "text",
    [
        ADA,
        ADA.upper(),
        f"<{ADA}>",
        f'{{"To":"{ADA}"}}',
        f"mailto:{ADA}?subject=x",
        f"to={ADA}&x=1",
        "https://x.example/u?e=countess.77%40mail.example.com",
        f"She wrote to {ADA}.",
        f"x@y.example {ADA} z@y.example",
    ],
)
def test_an_address_is_found_by_its_hash_alone(text: str) -> None:
    assert needles().in_text(text) == {"address"}
    assert needles().in_bytes(text.encode()) == {"address"}


@pytest.mark.parametrize(
    "text",
    ["bcountess.77@mail.example.com", "countess.77@example.com", "countess.77 at mail", "@", ""],
)
def test_other_addresses_are_not(text: str) -> None:
    assert needles().in_text(text) == set()


@pytest.mark.parametrize("header", [b"I", b"\x3b", b"7B", b"\x00\x02K", b"aZ9"])
@pytest.mark.parametrize("behind", [b"", b"\x09Ada", b"Z", b"Q\x00"])
def test_an_address_is_found_between_the_lengths_that_stores_put_around_it(
    header: bytes, behind: bytes
) -> None:
    data = b"\xff\xd8" + header + ADA.encode() + behind
    assert "address" in needles().in_bytes(data)


@pytest.mark.parametrize(
    "text",
    ["Ada Lovelace", "LOVELACE, Ada", "first Ada, then much later Lovelace", "Ada\x11Lovelace"],
)
def test_names_count_when_they_stand_together(text: str) -> None:
    assert needles().in_text(text) == {"name"}
    assert needles().in_bytes(text.encode()) == {"name"}
    assert needles().in_text(text, names=False) == set()


@pytest.mark.parametrize(
    "text", ["Ada", "Adams Lovelaced", "Ada" + "." * 100 + "Lovelace", "Canada Lovelace"]
)
def test_one_name_alone_proves_nothing(text: str) -> None:
    assert needles().in_text(text) == set()


def test_other_known_strings_are_found() -> None:
    assert needles().in_text("call +43 660 1234") == {"text"}
    assert needles().in_bytes(b"\x00+43 660 123\x00") == {"text"}


def test_a_wrapped_key_is_found_by_its_bytes_and_by_the_row_around_it() -> None:
    person = Person(ORGANIZATION, CONTACT, frozenset())
    row = UUID(CONTACT).bytes + UUID(ORGANIZATION).bytes
    assert needles().in_bytes(b"x" + b"w" * 60) == {"key"}
    assert needles(person).in_bytes(b"\x01" + row + b"\x7b" + b"?" * 60) == {"key"}
    assert needles(person).in_bytes(row + b"\x00") == set()
    copied = b"".join(struct.pack(">i", 16) + UUID(i).bytes for i in (CONTACT, ORGANIZATION))
    assert needles(person).in_bytes(copied + struct.pack(">i", 60) + b"?" * 60) == {"key"}
    assert needles(person).in_bytes(copied + struct.pack(">i", -1)) == set()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": [1, None, {"b": ADA}]}, {"address"}),
        ({ADA: 1}, {"address"}),
        (("x", b"\x00" + ADA.encode()), {"address"}),
        (("Ada", "Lovelace"), {"name"}),
        ({"a": 3, "b": [True, "x"]}, set()),
    ],
)
def test_values_are_searched_to_the_last_leaf(value: Any, found: set[str]) -> None:
    assert needles().in_value(value) == found


def test_a_needle_file_opens_with_its_key_only() -> None:
    sealed = seal_needles(PERSON, b"k" * 32, b"n" * 12)
    assert b"Lovelace" not in sealed
    assert open_needles(sealed, b"k" * 32) == {
        "names": PERSON.names,
        "texts": PERSON.texts,
        "wrapped_keys": PERSON.wrapped_keys,
    }
    for broken, key in ((sealed, b"x" * 32), (sealed[:-1], b"k" * 32), (b"", b"k" * 32)):
        with pytest.raises(NeedleFileError):
            open_needles(broken, key)

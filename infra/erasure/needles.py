"""What to look for: an erased person's addresses by their keyed hash, and strings that are known.

Nothing of the person is needed to find an address: every text that could be one is hashed and
compared. Names and other strings are looked for when somebody gives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_AT: Final = re.compile(r"@|%40")
_AT_BYTES: Final = re.compile(rb"@|%40")
_LOCAL: Final = re.compile(r"[\w.%+\-!#$&'*/=?^`{|}~]{1,64}\Z")
_LOCAL_BYTES: Final = re.compile(_LOCAL.pattern, re.ASCII)
_DOMAIN: Final = re.compile(r"[\w\-]+(?:\.[\w\-]+)+")
_DOMAIN_BYTES: Final = re.compile(_DOMAIN.pattern, re.ASCII)
_INSIDE: Final = re.compile(r"[^\w.+\-]")
"""Where a local part may begin again: `to=ada@...` is `ada@...`."""
_NEAR: Final = 80
"""Characters between a first and a last name that still belong together."""
_BEFORE, _AFTER = 4, 2
"""In stored bytes a length may stand right before or behind a text, and look like part of it."""
_REMEMBERED: Final = 500_000
_BOUND: Final = b"nudge-needles"


class NeedleFileError(Exception):
    """The needle file does not open with this key."""


@dataclass(frozen=True)
class Person:
    """Whose traces are looked for. `names` are (first, last); `texts` any other known strings."""

    organization_id: str
    contact_id: str
    address_hashes: frozenset[bytes]
    names: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()
    wrapped_keys: tuple[bytes, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def subjects(self) -> frozenset[str]:
        """All ids that stood for the person; each had a key."""
        return frozenset({self.contact_id, *self.references})


@dataclass
class Needles:
    """Finds a person in texts and bytes; remembers what it has hashed."""

    person: Person
    hash_address: Callable[[str], bytes]
    _seen: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._texts = tuple(text.casefold() for text in self.person.texts if text)
        self._raw = tuple(text.encode().lower() for text in self.person.texts if text)
        self._names = [_near(*name) for name in self.person.names if all(name)]
        self._keys = (*self.person.wrapped_keys, *_stored_keys(self.person))

    def in_text(self, text: str, *, names: bool = True) -> set[str]:
        """Kinds of traces in a decoded text: address, text, name."""
        found = set()
        if any(self._is_address(*sides, loose=False) for sides in _sides(text)):
            found.add("address")
        folded = text.casefold()
        if any(needle in folded for needle in self._texts):
            found.add("text")
        if names and any(name.search(text) for name in self._names):
            found.add("name")
        return found

    def in_bytes(self, data: bytes, *, names: bool = True) -> set[str]:
        """The same for bytes whose form is not known; also a wrapped key."""
        found = {"key"} if any(key in data for key in self._keys) else set()
        if any(self._is_address(*sides, loose=True) for sides in _sides_of_bytes(data)):
            found.add("address")
        lowered = data.lower()
        if any(needle in lowered for needle in self._raw):
            found.add("text")
        if names and self._names:
            text = data.decode(errors="replace")
            if any(name.search(text) for name in self._names):
                found.add("name")
        return found

    def in_value(self, value: Any, *, names: bool = True) -> set[str]:
        """The same for a decoded value: a row, an event's data, what JSON holds."""
        parts = list(leaves(value))
        text = " ".join(part for part in parts if isinstance(part, str))
        found = self.in_text(text, names=names)
        for part in parts:
            if isinstance(part, bytes):
                found |= self.in_bytes(part, names=names)
        return found

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Kind and regular expression (RE2) of what is known besides addresses."""
        for text in self.person.texts:
            yield "text", f"(?i){re.escape(text)}"
        for first, last in self.person.names:
            if first and last:
                one, two, gap = re.escape(first), re.escape(last), rf"\b[\s\S]{{0,{_NEAR}}}\b"
                yield "name", rf"(?i)\b(?:{one}{gap}{two}|{two}{gap}{one})\b"

    def _is_address(self, local: str, domain: str, *, loose: bool) -> bool:
        candidate = f"{local}@{domain}{loose:d}"
        known = self._seen.get(candidate)
        if known is None:
            known = any(
                self.hash_address(text) in self.person.address_hashes
                for text in _readings(local.lower(), domain.lower(), loose=loose)
            )
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            self._seen[candidate] = known
        return known


def leaves(value: Any) -> Iterator[str | bytes]:
    """Every text and every run of bytes in a value; numbers and ids as text."""
    if isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from leaves(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from leaves(each)
    elif value is not None:
        yield str(value)


def seal_needles(person: Person, key: bytes, nonce: bytes) -> bytes:
    """The known strings as a file that opens with `key` (32 bytes); `nonce`: 12 fresh bytes."""
    content = {
        "names": person.names,
        "texts": person.texts,
        "wrapped_keys": [each.hex() for each in person.wrapped_keys],
    }
    return nonce + AESGCM(key).encrypt(nonce, json.dumps(content).encode(), _BOUND)


def open_needles(sealed: bytes, key: bytes) -> dict[str, Any]:
    """`names`, `texts` and `wrapped_keys` for a Person. Raises NeedleFileError."""
    try:
        content = json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], _BOUND))
    except (InvalidTag, ValueError):
        raise NeedleFileError("the needle file does not open with this key") from None
    return {
        "names": tuple((first, last) for first, last in content["names"]),
        "texts": tuple(content["texts"]),
        "wrapped_keys": tuple(bytes.fromhex(each) for each in content["wrapped_keys"]),
    }


def _sides(text: str) -> Iterator[tuple[str, str]]:
    """What stands before and behind each at sign, when it can be an address."""
    for at in _AT.finditer(text):
        local = _LOCAL.search(text, max(0, at.start() - 64), at.start())
        domain = _DOMAIN.match(text, at.end(), at.end() + 255)
        if local and domain:
            yield local[0], domain[0]


def _sides_of_bytes(data: bytes) -> Iterator[tuple[str, str]]:
    for at in _AT_BYTES.finditer(data):
        around = data[max(0, at.start() - 64) : at.end() + 255].decode("latin-1")
        middle = min(at.start(), 64)
        local = _LOCAL_BYTES.search(around, 0, middle)
        domain = _DOMAIN_BYTES.match(around, middle + len(at[0]))
        if local and domain:
            yield local[0], domain[0]


def _readings(local: str, domain: str, *, loose: bool) -> Iterator[str]:
    """Addresses that this may be; `loose`: with a few characters too many at both ends."""
    starts = {0, *(found.end() for found in _INSIDE.finditer(local))}
    ends = {len(domain), len(domain.rstrip("-."))}
    if loose:
        starts |= set(range(min(_BEFORE + 1, len(local))))
        ends |= {len(domain) - cut for cut in range(1, _AFTER + 1)}
    for start in starts:
        for end in ends:
            yield f"{local[start:]}@{domain[:end]}"


def _near(first: str, last: str) -> re.Pattern[str]:
    one, two = re.escape(first), re.escape(last)
    gap = rf"\b.{{0,{_NEAR}}}?\b"
    return re.compile(rf"\b(?:{one}{gap}{two}|{two}{gap}{one})\b", re.IGNORECASE | re.DOTALL)


def _stored_keys(person: Person) -> tuple[bytes, ...]:
    """How a row of keys that holds one begins, as Postgres stores it and as COPY writes it."""
    owner = UUID(person.organization_id).bytes
    subjects = [UUID(subject).bytes for subject in sorted(person.subjects)]
    # A wrapped key has 60 bytes: nonce, key, tag. Postgres puts (60 + 1) * 2 + 1 in front of them.
    stored = [subject + owner + b"\x7b" for subject in subjects]
    copied = [subject + b"\0\0\0\x10" + owner + b"\0\0\0\x3c" for subject in subjects]
    return (*stored, *copied)

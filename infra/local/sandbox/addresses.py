"""E-mail addresses as they stand in From, To, Cc and Bcc."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LOCAL = r"[^\s@<>(),;:\\\"\[\]\x00-\x1f]{1,64}"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(rf"(?!\.){_LOCAL}(?<!\.)@(?:{_LABEL}\.)+{_LABEL}")
_NAMED = re.compile(r"\s*(?:\"([^\"<>]*)\"|([^\"<>,;@]*?))\s*<([^<>\s,]+)>\s*")
_LONGEST_LIST, _LONGEST_MAILBOX = 50_000, 600
_PART = re.compile(r"(?:\"[^\"]*\"|[^,\"]|\")+?(?=,|$)")


@dataclass(frozen=True, slots=True)
class Mailbox:
    email: str
    name: str = ""


def is_address(text: str) -> bool:
    return len(text) <= 254 and ".." not in text and _ADDRESS.fullmatch(text) is not None


def parse_mailboxes(text: str) -> list[Mailbox]:
    """`a@b.de, "C" <c@d.de>` as mailboxes, in order; raises ValueError with the bad part."""
    if is_address(text):  # nearly every To: worth not splitting
        return [Mailbox(text)]
    if len(text) > _LONGEST_LIST:
        raise ValueError(f"{text[:100]}...")
    return [_mailbox(part.strip()) for part in _PART.findall(text) if part.strip()]


def _mailbox(part: str) -> Mailbox:
    if is_address(part):
        return Mailbox(part)
    match = _NAMED.fullmatch(part) if len(part) <= _LONGEST_MAILBOX else None
    if match is None or not is_address(match[3]):
        raise ValueError(part[:100])
    return Mailbox(match[3], match[1] or match[2] or "")

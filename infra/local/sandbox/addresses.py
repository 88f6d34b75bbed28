"""E-mail addresses as they stand in From, To, Cc and Bcc."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import getaddresses

_LOCAL = r"[^\s@<>(),;:\\\"\[\]\x00-\x1f]{1,64}"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(rf"(?!\.){_LOCAL}(?<!\.)@(?:{_LABEL}\.)+{_LABEL}")
_NAMED = re.compile(r"\s*(?:\"([^\"<>]*)\"|([^\"<>,;@]*?))\s*<([^<>\s,]+)>\s*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    email: str
    name: str = ""


def is_address(text: str) -> bool:
    return len(text) <= 254 and ".." not in text and _ADDRESS.fullmatch(text) is not None


def parse_mailboxes(text: str) -> list[Mailbox]:
    """`a@b.de, "C" <c@d.de>` as mailboxes, in order; raises ValueError with the bad part."""
    if is_address(text):  # nearly every To: worth not parsing
        return [Mailbox(text)]
    if (match := _NAMED.fullmatch(text)) and is_address(match[3]):
        return [Mailbox(match[3], match[1] or match[2] or "")]
    mailboxes = [Mailbox(email, name) for name, email in getaddresses([text]) if name or email]
    for mailbox in mailboxes:
        if not is_address(mailbox.email):
            raise ValueError(mailbox.email or mailbox.name)
    if not mailboxes and text.strip():
        raise ValueError(text.strip())
    return mailboxes

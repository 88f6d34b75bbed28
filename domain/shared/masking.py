"""Personal data and secrets taken out of texts that somebody may keep: log entries, traces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MASKED: Final = "***"

NEVER_SHOWN: Final = frozenset(
    """email emails to recipient cc bcc sender reply_to first_name last_name full_name given_name
    family_name phone postal_address text html subject_line preheader content body message_text
    attributes user_agent geo password secret token server_token api_key authorization cookie
    set_cookie webhook_password credentials private_key wrapped""".split()
)
"""Names of fields that hold personal data or let somebody in, whatever stands in them."""

# Bounded, so that a long text costs time in proportion to its length.
_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # user:password@ in addresses of stores, before the rule for e-mail addresses sees the @
    (re.compile(r"://[^\s/@:]{0,200}:[^\s/@]{0,200}@"), "://[login]@"),
    (
        re.compile(r"""[^\s"'<>(),;:\[\]=|\\]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}"""),
        "[address]",
    ),
    (re.compile(r"\bnk_[A-Za-z0-9_-]{8,}"), "[key]"),
    (re.compile(r"\beyJ[\w-]{1,4000}\.[\w-]{1,8000}\.[\w-]{0,1000}"), "[token]"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\1 [token]"),
    # What Postgres adds to an error are values of rows.
    (re.compile(r"^(\s*(?:DETAIL|CONTEXT)):.*$", re.MULTILINE), r"\1: ***"),
)


def mask_text(text: str) -> str:
    """The text without addresses of people, keys, tokens, passwords and values of rows.

    Names of people in free text are not found: they do not go into a log entry in the first place.
    """
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def mask(value: Any, name: str = "") -> Any:
    """The value of a field with this name, as it may be kept; containers likewise, throughout."""
    if value is not None and name.lower().replace("-", "_") in NEVER_SHOWN:
        return MASKED
    match value:
        case str():
            return mask_text(value)
        case Mapping():
            return {str(key): mask(each, str(key)) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [mask(each) for each in value]
        case bool() | int() | float() | None:
            return value
        case bytes():
            return f"{len(value)} bytes"
    return mask_text(str(value))

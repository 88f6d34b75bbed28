"""What people write: how long it may be, and which characters have no business in it."""

from __future__ import annotations

import re
from typing import Any

from domain.shared.canonical import canonical_json
from domain.shared.errors import InvalidValueError

# Control characters (tab and line breaks apart) and lone surrogates: none of them is text, and
# Postgres, JSON or mail headers refuse or mangle each of them.
_NEVER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ADDRESS = re.compile(
    r"[^\s\"'<>(),;:\[\]{}=|\\]{1,64}(?:@|%40)[\w\-]+(?:\.[\w\-]+)+", re.IGNORECASE
)
_NEVER_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def line(value: object, field: str, most: int) -> str:
    """One line of text, trimmed, at most `most` characters. Raises InvalidValueError."""
    return _checked(value, field, most, _NEVER_IN_A_LINE).strip()


def passage(value: object, field: str, most: int) -> str:
    """Text of any number of lines, as given, at most `most` characters."""
    return _checked(value, field, most, _NEVER)


def json_text(value: Any, field: str, most: int) -> str:
    """Canonical JSON of a value whose texts are text, at most `most` characters."""
    try:
        text = canonical_json(value)
    except (TypeError, ValueError, RecursionError):
        raise InvalidValueError(field, "not_json", f"{field} cannot be said in JSON.") from None
    if "\\u0000" in text:  # JSON escapes it, and Postgres still refuses it
        raise InvalidValueError(
            field, "control_characters", f"{field} holds characters that are not text."
        )
    return _checked(text, field, most, _NEVER)


def without_addresses(text: str) -> str:
    """The text with [address] for whatever looks like an e-mail address."""
    return _ADDRESS.sub("[address]", text) if "@" in text or "%40" in text else text


def required(value: str, field: str) -> str:
    """The text, which must say something. Raises InvalidValueError with `missing`."""
    if not value.strip():
        raise InvalidValueError(field, "missing", f"{field} must not be empty.")
    return value


def _checked(value: object, field: str, most: int, never: re.Pattern[str]) -> str:
    if not isinstance(value, str):
        raise InvalidValueError(field, "not_text", f"{field} must be text.")
    if len(value) > most:
        raise InvalidValueError(
            field, "too_long", f"{field} has {len(value)} characters; {most} is the most."
        )
    # Almost every value is printable, which is far cheaper to see than to search.
    if not value.isprintable() and never.search(value):
        raise InvalidValueError(
            field, "control_characters", f"{field} holds characters that are not text."
        )
    return value

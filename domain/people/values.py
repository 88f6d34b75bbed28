"""What people give of themselves: a name and a password, checked."""

from __future__ import annotations

from typing import Final

from domain.contact.values import NAME_MAX
from domain.shared.errors import InvalidValueError
from domain.shared.text import line, required

PASSWORD_MIN: Final = 12
PASSWORD_MAX: Final = 128
"""A bound, so that nobody lets us hash megabytes; any character is allowed."""
_VARIETY: Final = 5
"""Different characters a password needs: `aaaaaaaaaaaa` is none."""


def person_name(value: object, field: str = "name") -> str:
    """A person's name. Raises InvalidValueError."""
    return required(line(value, field, NAME_MAX), field)


def password(value: str, address: str = "", field: str = "password") -> str:
    """A password that may be used, as given. Raises InvalidValueError with `weak_password`.

    Length is what counts (NIST SP 800-63B, section 3.1.1.2): no rules of composition.
    """
    if not PASSWORD_MIN <= len(value) <= PASSWORD_MAX:
        raise InvalidValueError(
            field,
            "weak_password",
            f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters.",
        )
    local = address.lower().partition("@")[0]
    if len(set(value)) < _VARIETY or value.lower() in (address.lower(), local):
        raise InvalidValueError(field, "weak_password", "This password is too easy to guess.")
    return value

"""Time zones, by their IANA names."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from domain.shared.errors import InvalidValueError
from domain.shared.text import line


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def timezone_name(value: object, field: str = "timezone") -> str:
    """An IANA time zone, or empty. Raises InvalidValueError with `invalid_timezone`."""
    name = line(value, field, 64)
    if name and name not in _zones():
        raise InvalidValueError(
            field, "invalid_timezone", f"{name} is no IANA time zone, such as Europe/Berlin."
        )
    return name

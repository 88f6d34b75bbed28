"""What we know of a person, checked: address, names, time zone, attributes, tags, consent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

from email_validator import EmailNotValidError, validate_email

from domain.shared.canonical import canonical_json, json_or
from domain.shared.errors import InvalidValueError
from domain.shared.moments import utc
from domain.shared.text import line, passage, required
from domain.shared.zones import timezone_name

ConsentStatus = Literal["granted", "unknown", "withdrawn"]
Attribute = str | int | float
"""Text, a number, or an ISO date as text."""

EMAIL_MAX: Final = 254
NAME_MAX: Final = 200
TAG_MAX: Final = 50
TAGS_MAX: Final = 100
ATTRIBUTES_MAX: Final = 100
ATTRIBUTE_NAME_MAX: Final = 100
TEXT_MAX: Final = 2_000
_INT_MAX: Final = 2**63 - 1
_PLAIN_LOCAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
_LOCAL_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as it was given, and the form in which two of them are the same.

    The same means: in any case, and with an international domain in either spelling.
    """

    given: str
    normalised: str

    @classmethod
    def parse(cls, value: object, field: str = "email") -> EmailAddress:
        """Check the shape of an address; nothing is asked of any network.

        Reserved domains for tests (`.test`) pass. Raises InvalidValueError: `missing`,
        `too_long`, `invalid_email`.
        """
        given = required(line(value, field, EMAIL_MAX), field)
        local, _, domain = given.lower().rpartition("@")
        if _PLAIN_LOCAL.fullmatch(local) and len(local) <= _LOCAL_MAX:
            return cls(given, f"{local}@{_domain(domain, field)}")
        return cls(given, _normalised(given, field))


@lru_cache(maxsize=4096)
def _domain(domain: str, field: str) -> str:
    """Most addresses of a list share few domains, and checking one costs as much as all else."""
    return _normalised(f"a@{domain}", field).partition("@")[2]


def _normalised(address: str, field: str) -> str:
    try:
        parsed = validate_email(
            address, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise InvalidValueError(field, "invalid_email", f"Not an address: {error}") from None
    return parsed.normalized.lower()


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to. `source` says where it comes from, `at` (aware) when it was."""

    status: ConsentStatus
    source: str = ""
    at: datetime | None = None

    @classmethod
    def of(cls, status: object, source: object = "", at: datetime | None = None) -> Consent:
        """Check what was claimed. A granted consent needs a source; a time needs a zone."""
        if status not in ("granted", "unknown", "withdrawn"):
            raise InvalidValueError(
                "consent.status", "invalid_consent", "A consent is granted, unknown or withdrawn."
            )
        text = line(source, "consent.source", TEXT_MAX)
        if status == "granted":
            required(text, "consent.source")
        return cls(status, text, None if at is None else utc(at, "consent.at"))


UNKNOWN: Final = Consent("unknown")


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """A person as described to us. Made by `of`, which checks; equal when all of it is equal."""

    email: str
    first_name: str = ""
    last_name: str = ""
    timezone: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        email: object,
        first_name: object = "",
        last_name: object = "",
        timezone: object = "",
        attributes: Mapping[str, object] | None = None,
        tags: Iterable[object] = (),
    ) -> ContactDetails:
        """Checked details. Raises InvalidValueError that names the field."""
        return cls(
            EmailAddress.parse(email).given,
            line(first_name, "first_name", NAME_MAX),
            line(last_name, "last_name", NAME_MAX),
            timezone_name(timezone),
            checked_attributes(attributes or {}),
            checked_tags(tags),
        )

    def to_fields(self) -> dict[str, Any]:
        """The personal fields of an event."""
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "timezone": self.timezone,
            "attributes": canonical_json(self.attributes),
            "tags": list(self.tags),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> ContactDetails:
        """What an event says, unchecked: it was checked when it was recorded."""
        return cls(
            fields["email"],
            fields["first_name"],
            fields["last_name"],
            fields["timezone"],
            json_or(fields["attributes"], {}),
            tuple(fields["tags"]),
        )


def checked_tags(tags: Iterable[object]) -> tuple[str, ...]:
    """Tags in the order given, each once, empty ones left out."""
    if isinstance(tags, str):
        raise InvalidValueError("tags", "not_a_list", "tags must be a list.")
    checked = tuple(dict.fromkeys(t for tag in tags if (t := line(tag, "tags", TAG_MAX))))
    if len(checked) > TAGS_MAX:
        raise InvalidValueError("tags", "too_many", f"A contact has at most {TAGS_MAX} tags.")
    return checked


def checked_attributes(attributes: Mapping[str, object]) -> dict[str, Attribute]:
    """Attributes by name: text, finite numbers; an empty text is no value and is left out."""
    if len(attributes) > ATTRIBUTES_MAX:
        raise InvalidValueError(
            "attributes", "too_many", f"A contact has at most {ATTRIBUTES_MAX} attributes."
        )
    named = {
        attribute_name(name): checked_attribute(name, value) for name, value in attributes.items()
    }
    return {name: value for name, value in named.items() if value != ""}


def attribute_name(name: str) -> str:
    """The name of an attribute, trimmed."""
    checked = line(name, "attributes", ATTRIBUTE_NAME_MAX)
    return required(checked, "attributes")


def checked_attribute(name: str, value: object) -> Attribute:
    """One value. Raises InvalidValueError that names the attribute."""
    where = f"attributes.{name}"
    if isinstance(value, str):
        return passage(value, where, TEXT_MAX)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _INT_MAX:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise InvalidValueError(
        where, "invalid_attribute", f"{where} must be text, a number or an ISO date."
    )

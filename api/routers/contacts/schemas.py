"""Shapes of a contact, in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, StrictFloat, StrictInt, StrictStr

from domain.contact.aggregate import Contact
from domain.contact.values import Consent, ContactDetails
from projections.queries.rows import Row

Attributes = dict[str, StrictStr | StrictInt | StrictFloat]


class ConsentIn(BaseModel):
    """What the person agreed to; a granted consent says where it comes from."""

    model_config = ConfigDict(extra="forbid")
    status: Literal["granted", "unknown"]
    source: str = ""
    at: datetime | None = None

    def consent(self) -> Consent:
        """The checked consent. Raises InvalidValueError."""
        return Consent.of(self.status, self.source, self.at)


class ContactIn(BaseModel):
    """A person who may be mailed when consent allows."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@example.com",
                    "first_name": "Ada",
                    "attributes": {"last_purchase_at": "2026-01-31"},
                    "tags": ["regular"],
                    "consent": {
                        "status": "granted",
                        "source": "newsletter form",
                        "at": "2025-11-02T10:00:00Z",
                    },
                }
            ]
        },
    )
    email: str
    first_name: str = ""
    last_name: str = ""
    timezone: str = ""
    attributes: Attributes = {}
    tags: list[str] = []
    consent: ConsentIn

    def details(self) -> ContactDetails:
        """The checked details. Raises InvalidValueError."""
        return ContactDetails.of(**self.model_dump(exclude={"consent"}))


class ContactPatch(BaseModel):
    """What may change; what is left out stays. `attributes` are merged, null removes one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"first_name": "Ada", "attributes": {"city": "Vienna"}}]},
    )
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    timezone: str | None = None
    attributes: dict[str, StrictStr | StrictInt | StrictFloat | None] | None = None
    tags: list[str] | None = None
    consent: ConsentIn | None = None

    def applied_to(self, details: ContactDetails) -> ContactDetails:
        """The checked details with what was given put in its place."""
        given = self.model_dump(exclude={"consent", "attributes"}, exclude_none=True)
        merged = {**details.attributes, **(self.attributes or {})}
        fields = {
            "email": details.email,
            "first_name": details.first_name,
            "last_name": details.last_name,
            "timezone": details.timezone,
            "tags": details.tags,
            **given,
            "attributes": {name: value for name, value in merged.items() if value is not None},
        }
        return ContactDetails.of(**fields)


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def show_row(row: Row) -> dict[str, Any]:
    """A contact from its read model."""
    return {
        "id": row["id"],
        "email": row["email"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "timezone": row["timezone"],
        "attributes": row["attributes"],
        "tags": row["tags"],
        "consent": {
            "status": row["consent_status"],
            "source": row["consent_source"],
            "at": instant(row["consent_at"]),
        },
        "suppression": row["suppression"],
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
    }


def show(contact: Contact) -> dict[str, Any]:
    """A contact straight from its history."""
    details = contact.details
    return {
        "id": str(contact.id),
        "email": details.email,
        "first_name": details.first_name,
        "last_name": details.last_name,
        "timezone": details.timezone,
        "attributes": dict(details.attributes),
        "tags": list(details.tags),
        "consent": {
            "status": contact.consent.status,
            "source": contact.consent.source,
            "at": instant(contact.consent.at),
        },
        "suppression": contact.suppression,
        "created_at": instant(contact.created_on),
        "updated_at": instant(contact.modified_on),
    }

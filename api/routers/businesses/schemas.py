"""Shapes of a business profile, in and out."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from domain.contact.values import EmailAddress
from domain.organization.commands import Profile
from domain.shared.errors import InvalidValueError
from projections.queries.rows import Row

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
    ),
]


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("use an IANA time zone such as Europe/Vienna")
    return name


def _address_or_empty(text: str) -> str:
    try:
        return EmailAddress.parse(text).given if text else ""
    except InvalidValueError as error:
        raise ValueError(str(error)) from None


Timezone = Annotated[str, AfterValidator(_known_timezone)]
Address = Annotated[str, AfterValidator(_address_or_empty)]


class SenderIn(BaseModel):
    """Who the mails come from."""

    model_config = ConfigDict(extra="forbid")
    name: Line = ""
    email: Address = ""
    postal_address: Text = ""


class BusinessIn(BaseModel):
    """A business as its owner describes it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Rosa's Bakery",
                    "industry": "bakery",
                    "brand_voice": "warm, a little playful",
                    "timezone": "Europe/Vienna",
                    "sender": {
                        "name": "Rosa",
                        "email": "rosa@rosas-bakery.example",
                        "postal_address": "Mill Lane 3, 1010 Vienna",
                    },
                }
            ]
        },
    )
    name: Annotated[Line, Field(min_length=1)]
    industry: Line = ""
    business_model: Line = ""
    brand_voice: Text = ""
    target_audience: Text = ""
    website: Line = ""
    timezone: Timezone = "UTC"
    sender: SenderIn = SenderIn()

    def profile(self) -> Profile:
        """The profile it describes."""
        return _profile(self.model_dump())


class BusinessPatch(BaseModel):
    """What may change; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"brand_voice": "warm, a little playful"}]}
    )
    name: Annotated[Line, Field(min_length=1)] | None = None
    industry: Line | None = None
    business_model: Line | None = None
    brand_voice: Text | None = None
    target_audience: Text | None = None
    website: Line | None = None
    timezone: Timezone | None = None
    sender: SenderIn | None = None

    def applied_to(self, profile: Profile) -> Profile:
        """The profile with what was given put in its place."""
        given = self.model_dump(exclude_unset=True, exclude_none=True)
        now = show_profile(profile)
        sender = {**now["sender"], **given.pop("sender", {})}
        return _profile({**now, **given, "sender": sender})


def _profile(fields: dict[str, Any]) -> Profile:
    sender = fields.pop("sender")
    return Profile(
        **fields,
        sender_name=sender["name"],
        sender_email=sender["email"],
        postal_address=sender["postal_address"],
    )


def show_profile(profile: Profile) -> dict[str, Any]:
    """A profile's fields as the API names them."""
    return {
        "name": profile.name,
        "industry": profile.industry,
        "business_model": profile.business_model,
        "brand_voice": profile.brand_voice,
        "target_audience": profile.target_audience,
        "website": profile.website,
        "timezone": profile.timezone,
        "sender": {
            "name": profile.sender_name,
            "email": profile.sender_email,
            "postal_address": profile.postal_address,
        },
    }


def show_row(row: Row) -> dict[str, Any]:
    """A business from its read model."""
    profile = Profile(**{name: row[name] for name in Profile.__slots__})
    return {
        "id": row["id"],
        **show_profile(profile),
        "created_at": row["created_at"].isoformat().replace("+00:00", "Z"),
        "updated_at": row["updated_at"].isoformat().replace("+00:00", "Z"),
    }

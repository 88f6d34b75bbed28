"""What a campaign would send, to whom and when: checked, and as events hold it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from domain.shared.canonical import canonical_json, json_or
from domain.shared.errors import InvalidValueError
from domain.shared.text import json_text, line, passage, required
from domain.shared.zones import timezone_name

CampaignType = Literal[
    "welcome", "nurture", "convert", "abandon", "win_back", "announce", "newsletter", "promotional"
]
CAMPAIGN_TYPES: Final[tuple[CampaignType, ...]] = get_args(CampaignType)
Status = Literal[
    "draft", "approved", "scheduled", "sending", "paused", "sent", "cancelled", "rejected"
]
Orchestrator = Literal["built_in", "external"]

EMAILS_MAX: Final = 5
NAME_MAX: Final = 200
SUBJECT_MAX: Final = 998
PREHEADER_MAX: Final = 500
BODY_MAX: Final = 5_000_000
SENDER_MAX: Final = 500
JSON_MAX: Final = 100_000
DESCRIPTION_MAX: Final = 2_000
DELAY_MAX: Final = timedelta(days=365)
AHEAD_MAX: Final = timedelta(days=731)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails come from; parts that nobody gave are empty."""

    name: str = ""
    email: str = ""
    postal_address: str = ""

    @property
    def complete(self) -> bool:
        """Whether mails may go out in this name."""
        return bool(self.name and self.email and self.postal_address)


@dataclass(frozen=True, slots=True)
class Email:
    """E-mail number `step` (from 1), `delay_seconds` after the one before it; Liquid inside."""

    step: int
    delay_seconds: int
    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """All that a yes covers, and how it is called.

    `intent` is the recognised intent or None; `conditions` the audience; `schedule_at` (aware)
    None for at once; `recurrence` in words or empty. Compared by value.
    """

    name: str
    conditions: Mapping[str, Any]
    emails: tuple[Email, ...]
    sender: Sender
    timezone: str = "UTC"
    schedule_at: datetime | None = None
    recurrence: str = ""
    intent: Mapping[str, Any] | None = None
    audience_description: str = ""
    orchestrator: Orchestrator = "built_in"

    @property
    def delays(self) -> tuple[timedelta, ...]:
        """The wait before each e-mail, as the workflow generator takes them."""
        return tuple(timedelta(seconds=email.delay_seconds) for email in self.emails)

    def to_fields(self) -> dict[str, Any]:
        """The content fields of an event, all but the hash."""
        return {
            "schedule_at": self.schedule_at,
            "timezone": self.timezone,
            "orchestrator": self.orchestrator,
            "name": self.name,
            "intent": "" if self.intent is None else canonical_json(self.intent),
            "audience_description": self.audience_description,
            "conditions": canonical_json(self.conditions),
            "emails": canonical_json([asdict(email) for email in self.emails]),
            "sender": canonical_json(asdict(self.sender)),
            "recurrence": self.recurrence,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Content:
        """What an event says, unchecked; erased fields read as empty."""
        return cls(
            name=fields["name"],
            intent=json_or(fields["intent"], None),
            audience_description=fields["audience_description"],
            conditions=json_or(fields["conditions"], {}),
            emails=tuple(Email(**email) for email in json_or(fields["emails"], [])),
            sender=Sender(**json_or(fields["sender"], {})),
            schedule_at=fields["schedule_at"],
            timezone=fields["timezone"],
            recurrence=fields["recurrence"],
            orchestrator=fields["orchestrator"],
        )


def email(
    step: int, subject: object, html: object, text: object = "", preheader: object = "", *,
    delay: timedelta = timedelta(),
) -> Email:  # fmt: skip
    """A checked e-mail. Raises InvalidValueError that names the field, such as emails.0.subject."""
    at = f"emails.{step - 1}"
    if delay < timedelta() or delay > DELAY_MAX or delay.microseconds:
        raise InvalidValueError(
            f"{at}.delay", "invalid_delay", "A delay is whole seconds, at most a year."
        )
    return Email(
        step=step,
        delay_seconds=int(delay.total_seconds()),
        subject=required(line(subject, f"{at}.subject", SUBJECT_MAX), f"{at}.subject"),
        preheader=line(preheader, f"{at}.preheader", PREHEADER_MAX),
        html=required(passage(html, f"{at}.html", BODY_MAX), f"{at}.html"),
        text=passage(text, f"{at}.text", BODY_MAX),
    )


def checked_content(content: Content) -> Content:
    """The content, when every rule that needs no clock holds. Raises InvalidValueError."""
    required(line(content.name, "name", NAME_MAX), "name")
    line(content.recurrence, "schedule.recurrence", NAME_MAX)
    passage(content.audience_description, "audience.description", DESCRIPTION_MAX)
    if content.orchestrator not in get_args(Orchestrator):
        raise InvalidValueError(
            "orchestrator", "invalid_orchestrator", "The orchestrator is built_in or external."
        )
    json_text(content.conditions, "audience.conditions", JSON_MAX)
    json_text(content.intent, "intent", JSON_MAX)
    required(timezone_name(content.timezone), "timezone")
    for name, value in asdict(content.sender).items():
        line(value, f"sender.{name}", SENDER_MAX)
    _check_emails(content.emails)
    return content


def _check_emails(emails: Sequence[Email]) -> None:
    if not 1 <= len(emails) <= EMAILS_MAX:
        raise InvalidValueError(
            "emails", "email_count", f"A campaign has 1 to {EMAILS_MAX} e-mails, not {len(emails)}."
        )
    if [each.step for each in emails] != list(range(1, len(emails) + 1)):
        raise InvalidValueError("emails", "steps", "E-mails are numbered from 1 without gaps.")
    if emails[0].delay_seconds:
        raise InvalidValueError("emails.0.delay", "first_delay", "The first e-mail has no delay.")
    for each in emails:
        email(
            each.step, each.subject, each.html, each.text, each.preheader,
            delay=timedelta(seconds=each.delay_seconds),
        )  # fmt: skip


_UNITS: Final = {
    "second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "m": 60, "hour": 3600, "h": 3600,
    "day": 86_400, "d": 86_400, "week": 604_800, "w": 604_800,
}  # fmt: skip
_WORDS = re.compile(r"(\d{1,9})\s*([a-z]{1,7})")
_ISO = re.compile(
    r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?"
)


def duration(value: object, where: str = "delay") -> timedelta:
    """A length of time: "3 days", "2 hours", "1 week", ISO 8601 ("PT72H"), or seconds as int.

    Months and years have no fixed length and are refused. Raises InvalidValueError with
    `invalid_delay`.
    """
    seconds: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str):
        seconds = _seconds(value.strip())
    if seconds is None or not 0 <= seconds <= DELAY_MAX.total_seconds():
        raise InvalidValueError(
            where,
            "invalid_delay",
            'Say a length of time up to a year, such as "3 days", "PT72H" or 259200 (seconds).',
        )
    return timedelta(seconds=seconds)


def _seconds(text: str) -> int | None:
    if words := _WORDS.fullmatch(text.lower()):
        name = words[2]
        unit = _UNITS.get(name) or _UNITS.get(name.removesuffix("s"))
        return None if unit is None else int(words[1]) * unit
    iso = _ISO.fullmatch(text.upper())
    if iso is None or not any(iso.groups()) or text.upper().endswith("T"):
        return None
    sizes = (604_800, 86_400, 3600, 60, 1)
    return sum(int(part or 0) * size for part, size in zip(iso.groups(), sizes, strict=True))

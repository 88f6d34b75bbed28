"""From what was said to what would be sent: the brief, its e-mails, and the whole content."""

from __future__ import annotations

import re
from calendar import day_name, month_name
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from domain.campaign.content.brief import CampaignType, ContentBrief, Offer, Tone
from domain.campaign.content.copywriter import write_email
from domain.campaign.content.layout import to_html, to_text
from domain.campaign.content.matching import tones_in
from domain.campaign.preparation import prepared, sender_of, writer_of
from domain.campaign.values import (
    DELAY_MAX,
    EMAILS_MAX,
    NAME_MAX,
    Content,
    Email,
    checked_content,
    duration,
    email,
)
from domain.organization.commands import Profile
from domain.shared.canonical import canonical_json
from domain.shared.errors import InvalidValueError
from streams.steps.dialogue.audience import Choice

BETWEEN = timedelta(days=3)
TITLES: Mapping[str, str] = {
    "welcome": "Welcome", "nurture": "Tips", "convert": "Next step", "abandon": "Left behind",
    "win_back": "Win back", "announce": "News", "newsletter": "Newsletter",
    "promotional": "Offer",
}  # fmt: skip

_CALENDAR = re.compile(
    rf"\b(?:{'|'.join([*day_name, *month_name[1:]])}|christmas|easter)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a campaign was asked to be: all that its content is made of.

    `adjustments` are tones asked for later, the last one winning. Stored with the campaign as its
    intent, so that "make it friendlier" can write it again.
    """

    campaign_type: CampaignType
    slots: Mapping[str, Any]
    confidence: float
    adjustments: tuple[Tone, ...] = ()

    def to_intent(self) -> dict[str, Any]:
        """As the campaign holds it."""
        return {
            "name": "create_campaign",
            "campaign_type": self.campaign_type,
            "confidence": self.confidence,
            "slots": dict(self.slots),
            "adjustments": list(self.adjustments),
        }

    @classmethod
    def of_intent(cls, intent: Mapping[str, Any] | None) -> Request | None:
        """What the campaign was asked to be; None for one that was not made here."""
        if not intent or "adjustments" not in intent or not intent.get("campaign_type"):
            return None
        return cls(
            intent["campaign_type"],
            intent.get("slots") or {},
            float(intent.get("confidence") or 0),
            tuple(cast("Sequence[Tone]", intent["adjustments"])),
        )


def count_of(slots: Mapping[str, Any]) -> int:
    """How many e-mails there will be; never more than a campaign has."""
    return max(1, min(int(slots.get("count_of_emails") or 1), EMAILS_MAX))


def wait_of(slots: Mapping[str, Any]) -> timedelta:
    """The wait between e-mails: as said, else three days."""
    try:
        wait = duration(str(slots.get("delay") or ""))
    except InvalidValueError:
        return BETWEEN
    return min(wait, DELAY_MAX) or BETWEEN


def schedule_of(slots: Mapping[str, Any]) -> datetime | None:
    """The moment of sending, if an exact one was said."""
    at = (slots.get("schedule") or {}).get("at")
    return datetime.fromisoformat(at) if at else None


def content_of(
    request: Request,
    choice: Choice,
    business: Profile,
    *,
    schedule_at: datetime | None,
    before: Content | None = None,
) -> Content:
    """Write the campaign. `before`: what it was, whose name and orchestrator stay.

    Raises InvalidValueError or ContentError for what cannot be sent.
    """
    written = Content(
        name=before.name if before else _name(request),
        conditions=choice.conditions,
        emails=emails_of(request, business, choice),
        sender=sender_of(business),
        timezone=business.timezone,
        schedule_at=schedule_at,
        audience_description=choice.description,
        orchestrator=before.orchestrator if before else "built_in",
    )
    ready = prepared(checked_content(written), business)
    return replace(ready, intent={**request.to_intent(), "written": fingerprint(ready.emails)})


def fingerprint(emails: Sequence[Email]) -> str:
    """Tells whether somebody has edited what the copywriter wrote."""
    return sha256(canonical_json([asdict(each) for each in emails]).encode()).hexdigest()[:16]


def untouched(content: Content) -> bool:
    """Whether the e-mails still are as they were written here."""
    return (content.intent or {}).get("written") == fingerprint(content.emails)


def emails_of(request: Request, business: Profile, choice: Choice) -> tuple[Email, ...]:
    """The e-mails in the words of the copywriter."""
    profile = writer_of(business)
    count, wait = count_of(request.slots), wait_of(request.slots)
    written = []
    for step in range(1, count + 1):
        brief = replace(_brief(request, choice), step=step, count_of_emails=count)
        draft = write_email(profile, brief, adjustments=request.adjustments)
        written.append(
            email(
                step,
                draft.subject,
                to_html(draft, profile),
                to_text(draft, profile),
                draft.preheader,
                delay=wait if step > 1 else timedelta(),
            )
        )
    return tuple(written)


def _brief(request: Request, choice: Choice) -> ContentBrief:
    slots = request.slots
    return ContentBrief(
        request.campaign_type,
        offer=_offer(slots.get("offer")),
        product=slots.get("product"),
        occasion=slots.get("occasion"),
        expires=_with_capitals(slots.get("expires")),
        discount_code=slots.get("discount_code"),
        tone=slots.get("tone"),
        audience_description=choice.description,
        inactive_days=choice.inactive_days,
        subject=slots.get("subject"),
    )


def _with_capitals(words: str | None) -> str | None:
    """Days and months as they are written, however they were typed."""
    return _CALENDAR.sub(lambda name: name[0].capitalize(), words) if words else None


def _offer(said: Mapping[str, Any] | None) -> Offer | None:
    if not said:
        return None
    return Offer(
        said.get("kind") or "other", said.get("value"), said.get("currency"), said.get("text") or ""
    )


def _name(request: Request) -> str:
    """What an owner would call it: the kind, and what it is about."""
    slots = request.slots
    about = [
        str(value)
        for value in (slots.get("occasion"), slots.get("product"), _offered(slots.get("offer")))
        if value
    ]
    return ": ".join([TITLES[request.campaign_type], *about[:1]])[:NAME_MAX]


def _offered(said: Mapping[str, Any] | None) -> str:
    return str(said.get("text") or "") if said else ""


def merged(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Slots after a change: what was said now replaces what was said before."""
    kept = {name: value for name, value in said.items() if name not in ("campaign", "tone")}
    return {**before, **kept}


def tones_asked(text: str, slots: Mapping[str, Any]) -> tuple[Tone, ...]:
    """Tones that a request to change the words asks for."""
    return tones_in(f"{text} {slots.get('tone') or ''}")

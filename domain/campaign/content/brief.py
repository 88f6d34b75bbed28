"""What the copywriter is told: who writes, and what this e-mail is for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

CampaignType = Literal[
    "welcome", "nurture", "convert", "abandon", "win_back", "announce", "newsletter", "promotional"
]
OfferKind = Literal["percent", "amount", "free_shipping", "gift", "other"]
Tone = Literal["friendly", "formal", "shorter", "urgent", "playful"]


class ContentError(ValueError):
    """Content that cannot be used. `code` is stable and public; `line` (from 1) when known."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.line = line


@dataclass(frozen=True, slots=True)
class BusinessProfile:
    """The sender. Free text except `timezone` (IANA) and `website` (http or https address)."""

    name: str
    industry: str
    business_model: str
    brand_voice: str
    target_audience: str
    timezone: str
    sender_name: str
    sender_email: str
    postal_address: str
    website: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the owner promises. `value` is per cent, or an amount in `currency` (ISO 4217).

    `text` is how the owner said it; it is what gift and other mean.
    """

    kind: OfferKind
    value: float | None = None
    currency: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ContentBrief:
    """One e-mail of a campaign. Every None is a fact nobody gave, so the mail has none of it.

    `step` counts from 1 to `count_of_emails`; `expires` is a date or the owner's words
    ("Sunday"); `subject` is used as the owner dictated it, for the first step.
    """

    campaign_type: CampaignType
    offer: Offer | None = None
    product: str | None = None
    occasion: str | None = None
    expires: str | date | None = None
    discount_code: str | None = None
    tone: str | None = None
    audience_description: str | None = None
    inactive_days: int | None = None
    step: int = 1
    count_of_emails: int = 1
    language: str = "en"
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class EmailDraft:
    """The words of one e-mail, as Liquid text that is not HTML yet.

    Personal fields stand in it as `{{ first_name | default: "there" }}`; what the owner typed
    cannot start a Liquid tag. `closing` has one line per line of the
    signature. Set off from the text: `offer` in short, the discount `code`, a `tip`.
    """

    subject: str
    preheader: str
    headline: str
    greeting: str
    paragraphs: tuple[str, ...]
    button_label: str
    button_url: str
    closing: str
    ps: str | None = None
    code: str | None = None
    tip: str | None = None
    offer: str | None = None
    language: str = "en"

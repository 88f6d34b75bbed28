"""Free text of an owner, mapped to what we have words for: industry, voice, tones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from domain.campaign.content.brief import BusinessProfile, Tone
from domain.campaign.content.packs import Industry, Voice, packs

DEFAULT_VOICE = "friendly"
DEFAULT_INDUSTRY = "generic"
ANY_SHOP = "ecommerce"  # "a shop for shoes" is about shoes
TONES: dict[Tone, tuple[str, ...]] = {
    "friendly": ("friendly", "friendlier", "warm", "warmer", "nicer", "kinder", "casual", "softer"),
    "formal": ("formal", "professional", "serious", "polite", "businesslike"),
    "shorter": ("short", "shorter", "brief", "briefer", "concise", "crisp", "less text"),
    "urgent": ("urgent", "urgency", "pressing", "hurry", "now or never"),
    "playful": ("playful", "fun", "funny", "funnier", "witty", "cheeky", "humorous", "humour"),
}


def industry_of(profile: BusinessProfile) -> Industry:
    """The nearest industry: what the owner called it first, then the business model."""
    industries = packs().industries
    for text in (profile.industry, profile.business_model, profile.name):
        found = [
            (industry.name == ANY_SHOP, position, industry.name)
            for industry in industries.values()
            for word in industry.match
            if (position := _found(word, text)) is not None
        ]
        if found:
            return industries[min(found)[2]]
    return industries[DEFAULT_INDUSTRY]


def voice_of(profile: BusinessProfile, tone: str | None, adjustments: Iterable[Tone]) -> Voice:
    """The brand's voice; a tone asked for goes before it, and an adjustment before that."""
    voices = packs().voices
    wanted = {"friendly": "friendly", "formal": "professional", "playful": "playful"}
    for adjustment in reversed(tuple(adjustments)):
        if adjustment in wanted:
            return voices[wanted[adjustment]]
    for text in (tone or "", profile.brand_voice):
        found = [
            (position, voice.name)
            for voice in voices.values()
            for word in voice.words
            if (position := _found(word, text)) is not None
        ]
        if found:
            return voices[min(found)[1]]
    return voices[DEFAULT_VOICE]


def tones_in(text: str) -> tuple[Tone, ...]:
    """The tones that a request such as "make it friendlier and shorter" asks for, in order."""
    found = [
        (min(positions), tone)
        for tone, words in TONES.items()
        if (positions := [p for w in words if (p := _found(w, text)) is not None])
    ]
    return tuple(tone for _, tone in sorted(found))


def _found(word: str, text: str) -> int | None:
    match = _whole_word(word).search(text)
    return match.start() if match else None


@cache
def _whole_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)

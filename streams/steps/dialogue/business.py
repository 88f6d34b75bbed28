"""What somebody says about their business, remembered as its profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streams.recognition.ports import Recognition
from streams.steps.dialogue.plan import Action, SetBusiness, Thought, says
from streams.steps.dialogue.situation import Situation

_ZONE = re.compile(r"\b([A-Z][A-Za-z_]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?)\b")
_ENDS = r"(?=\s+(?:and|in|at|from|with|we|which|that|who|near|for|called|named)\b|[,.;:!?]|$)"
_CALLED = re.compile(
    r"\b(?:called|named|name is|business is|company is|shop is)\s+"
    rf"[\"“']?(?P<name>[A-Z][^,.;:!?\"”]{{0,60}}?)[\"”']?{_ENDS}"
)
_TRADE = re.compile(
    r"\b(?:we are|we're|i run|we run|i have|i own|we own|it is|it's|i am|i'm)\s+(?:an?|the)\s+"
    rf"(?P<trade>[a-z][\w '&-]{{2,60}}?){_ENDS}",
    re.IGNORECASE,
)
_SELLS = re.compile(
    r"\bwe (?:sell|make|bake|offer|brew|roast|teach|repair|grow|produce|rent)\s+"
    r"(?P<what>[^.;:!?]{3,120})",
    re.IGNORECASE,
)
_SERVES = re.compile(
    r"\b(?:our (?:customers|clients|audience|members|guests|students) are(?: mostly| mainly)?|"
    r"we (?:serve|sell to)|target audience is|aimed at)\s+(?P<who>[^.;:!?]{3,120})",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:postal |business |street |mailing )?address is:?\s+(?P<address>[^;!?\[\]]{8,200})",
    re.IGNORECASE,
)


def remember(recognition: Recognition, text: str, situation: Situation) -> Thought:
    """Remember what was said about the business, and say what was remembered."""
    before = situation.business
    found = _profile_parts(recognition.slots, text)
    after = replace(before, **found)
    if after == before:
        return says(
            f"I know “{before.name}”"
            + (f", {before.industry}" if before.industry else "")
            + (f", in a {before.brand_voice} voice" if before.brand_voice else "")
            + ". Tell me what to change, such as “we are a bakery called Crust & Crumb”, “our "
            "voice is warm and playful” or “our time zone is Europe/Vienna”."
        )
    words = {
        "name": "name", "industry": "industry", "brand_voice": "voice", "timezone": "time zone",
        "business_model": "what you sell", "target_audience": "audience",
        "postal_address": "postal address",
    }  # fmt: skip
    told = ", ".join(f"{words[name]}: {value}" for name, value in found.items())
    return says(
        f"Noted. {told}. New drafts will follow it.", Action("create_campaign", "Draft a campaign"),
        commands=(SetBusiness(after),),
    )  # fmt: skip


def _profile_parts(slots: Mapping[str, Any], text: str) -> dict[str, str]:
    found = {
        "timezone": _ZONE.search(text),
        "name": _CALLED.search(text),
        "industry": _TRADE.search(text),
        "business_model": _SELLS.search(text),
        "target_audience": _SERVES.search(text),
        "postal_address": _ADDRESS.search(text),
    }
    parts = {name: match[1].strip(" .,'\"") for name, match in found.items() if match}
    parts = {name: value for name, value in parts.items() if "[[" not in value}
    if slots.get("tone"):
        parts["brand_voice"] = str(slots["tone"])
        parts.pop("industry", None)
    return parts

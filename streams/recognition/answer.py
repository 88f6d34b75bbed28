"""The shape a language model must answer in, and what of an answer is believed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.recognition.ports import Utterance
from streams.recognition.vocabulary import WITHOUT_SLOTS

Intent = Literal[
    "create_campaign",
    "modify_campaign",
    "approve_campaign",
    "reject_campaign",
    "schedule_campaign",
    "pause_campaign",
    "resume_campaign",
    "cancel_campaign",
    "query_performance",
    "query_audience",
    "send_test",
    "manage_contacts",
    "privacy_request",
    "set_business_context",
    "help",
    "small_talk",
    "clarify",
    "refuse",
]
CampaignType = Literal[
    "welcome",
    "nurture",
    "convert",
    "abandon",
    "win_back",
    "announce",
    "newsletter",
    "promotional",
]
Metric = Literal["opens", "clicks", "bounces", "unsubscribes", "deliveries", "sales", "complaints"]


class _Strict(BaseModel):
    """Every property is required and none may be added, as strict mode asks."""

    model_config = ConfigDict(extra="forbid")


class Audience(_Strict):
    segment: str | None
    inactive_days: int | None
    tags: list[str] | None


class Offer(_Strict):
    kind: Literal["percent", "amount", "free_shipping", "gift", "other"]
    value: float | None
    currency: str | None
    text: str


class Schedule(_Strict):
    at: str | None
    relative: str | None
    recurrence: str | None


class Slots(_Strict):
    audience: Audience | None
    offer: Offer | None
    product: str | None
    occasion: str | None
    schedule: Schedule | None
    expires: str | None
    trigger: str | None
    delay: str | None
    tone: str | None
    subject: str | None
    count_of_emails: int | None
    discount_code: str | None
    language: str | None
    campaign: str | None
    contact: str | None
    email: str | None
    metric: Metric | None
    period: str | None


class Answer(_Strict):
    """One recognition as the model gives it. `sentence_language` is an ISO 639-1 code."""

    intent: Intent
    campaign_type: CampaignType | None
    confidence: float = Field(description="0 to 1")
    sentence_language: str
    slots: Slots


def believed_slots(answer: Answer, utterance: Utterance) -> dict[str, Any]:
    """Slots without the empty ones and without what cannot be true."""
    if answer.intent in WITHOUT_SLOTS:
        return {}
    found: dict[str, Any] = {}
    for name, value in answer.slots.model_dump(exclude_none=True).items():
        kept = _believed(name, value, utterance)
        if kept not in (None, "", {}, []):
            found[name] = kept
    return found


def _believed(name: str, value: Any, utterance: Utterance) -> Any:
    if name == "schedule":
        return _schedule(value, utterance)
    if name == "count_of_emails":
        return value if 0 < value < 100 else None
    if name == "audience":
        days = value.get("inactive_days")
        kept = {key: leaf for key, leaf in value.items() if leaf not in ("", [])}
        return kept if days is None or days > 0 else {**kept, "inactive_days": None}
    if name == "email":
        return value if value.casefold() in utterance.text.casefold() else None
    if name == "offer" and (value.get("value") or 0) == int(value.get("value") or 0.5):
        return {**value, "value": int(value["value"])}
    return value


def _schedule(value: dict[str, str], utterance: Utterance) -> dict[str, str]:
    """A moment needs an offset and must lie ahead; otherwise only the words remain."""
    moment = value.get("at")
    if moment is None:
        return value
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is not None and at.tzinfo is not None and at > utterance.now:
        return {**value, "at": at.isoformat()}
    return {key: words for key, words in value.items() if key != "at"}

"""What is said and understood in a conversation: the closed lists, and a turn of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args
from uuid import UUID

from domain.access.permissions import Permission
from domain.campaign.values import CAMPAIGN_TYPES
from domain.shared.errors import InvalidValueError
from domain.shared.text import passage, required

Channel = Literal["api", "websocket", "cli"]
Intent = Literal[
    "create_campaign", "modify_campaign", "approve_campaign", "reject_campaign",
    "schedule_campaign", "pause_campaign", "resume_campaign", "cancel_campaign",
    "query_performance", "query_audience", "send_test", "manage_contacts", "privacy_request",
    "set_business_context", "help", "small_talk", "clarify", "refuse",
]  # fmt: skip
INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)

TEXT_MAX: Final = 10_000
CONTEXT_MAX: Final = 10_000
SLOTS_MAX: Final = 100_000
TURNS_KEPT: Final = 30
TURNS_OPEN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Mention:
    """An address somebody typed; the text holds [[reference]] in its place.

    `reference` is the contact's id, or a new random one when the address is no contact's; only
    then `address` is given, sealed under a key of the reference's own.
    """

    reference: UUID
    address: str | None = None

    @property
    def is_contact(self) -> bool:
        """Whether the reference is the id of a contact."""
        return self.address is None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person said, what was understood and what was answered, as far as it got.

    `permissions` are what the person was allowed when they said it.
    """

    turn_id: UUID
    number: int
    text: str
    mentions: tuple[Mention, ...] = ()
    permissions: frozenset[Permission] = frozenset()
    intent: str | None = None
    campaign_type: str | None = None
    slots: str = ""
    reply: str | None = None
    campaign_id: UUID | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign as it was last shown: all that a yes can mean."""

    campaign_id: UUID
    content_hash: str


def turn_text(text: object) -> str:
    """What a person said: something, and not too much. Raises InvalidValueError."""
    return required(passage(text, "text", TEXT_MAX), "text")


def check_recognition(intent: str, campaign_type: str | None, confidence: float) -> None:
    """Raise InvalidValueError unless the intent is one of the closed lists."""
    if intent not in INTENTS:
        raise InvalidValueError("intent", "unknown_intent", f"{intent} is no intent.")
    if campaign_type is not None and campaign_type not in CAMPAIGN_TYPES:
        raise InvalidValueError(
            "campaign_type", "unknown_campaign_type", f"{campaign_type} is no campaign type."
        )
    if not 0 <= confidence <= 1:
        raise InvalidValueError("confidence", "out_of_range", "A confidence is from 0 to 1.")


def mention_of(item: Mapping[str, Any]) -> Mention:
    """A mention as an event holds it; an erased address is empty, and still no contact's."""
    address = None if item["is_contact"] else (item["address"] or "")
    return Mention(item["reference"], address)

"""What the conversation asks of a recogniser, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing a person said, with what is needed to understand it.

    `text` may hold `[[uuid]]` references where addresses were typed. `now` is aware; `timezone`
    is an IANA name, and the person's times are meant in it. `last_shown_campaign`: a campaign was
    shown in this conversation and is still the newest thing in it. `known_campaigns`: names that
    exist. `history`: the last few texts, oldest first. `segments`, `tags`: names the contacts use.
    """

    text: str
    now: datetime
    timezone: str
    last_shown_campaign: bool = False
    known_campaigns: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the person wants. `intent` and `campaign_type` are of the contract's closed lists.

    `confidence` is 0 to 1, calibrated; `slots` has the contract's shapes and only what was said;
    `alternatives` are the next intents with their probabilities, best first; `language` is an
    ISO 639-1 code, and anything but `en` means that the sentence was not understood.
    """

    intent: str
    campaign_type: str | None
    confidence: float
    slots: dict[str, Any] = field(default_factory=dict)
    recognizer: str = ""
    alternatives: tuple[tuple[str, float], ...] = ()
    language: str = "en"


class RecognizerUnavailableError(Exception):
    """This recogniser cannot answer now; another may. Carries no text of the person."""


class Recognizer(Protocol):
    """Turns an utterance into a recognition. Never acts, never stores, never logs the text."""

    def recognize(self, utterance: Utterance) -> Recognition:
        """Blocks until there is an answer. Raises `RecognizerUnavailableError` when none comes."""
        ...

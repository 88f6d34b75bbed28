"""Details the tagger found, chosen and trimmed by the rules that also hold for the grammars."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streams.recognition.tagger import Span

_LEAST_SURE: Final = 0.5
_LEADING = re.compile(r"(?:(?:an?|the|my|our|your|their|his|her|all|new)\s+)+", re.IGNORECASE)
_TRAILING = re.compile(
    r"[\s,.;:!?\u2013-]+$|\s+(?:and|or|with|for|please|pls|plz|plse)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Tagged:
    """The spans of one sentence."""

    text: str
    spans: Sequence[Span] = ()
    abandoned: bool = False
    """It is about something that was begun and left."""

    def best(self, kind: str, least: float = _LEAST_SURE) -> Span | None:
        """The span of this kind the tagger is surest of; of equals the first."""
        found = [span for span in self.spans if span.kind == kind and span.sure >= least]
        return max(found, key=lambda span: span.sure, default=None)

    def words(self, kind: str, least: float = _LEAST_SURE) -> str | None:
        """Its words as typed, without a leading article and what trails behind."""
        span = self.best(kind, least)
        return trimmed(self.text[span.start : span.end]) if span else None


def trimmed(words: str) -> str | None:
    if lead := _LEADING.match(words):
        words = words[lead.end() :]
    while trail := _TRAILING.search(words):
        words = words[: trail.start()]
    return words or None

"""Sentences to learn from as independent authors labelled them: `training/author_*.jsonl`.

Details are given there as words; here they become marks, at the place where the words stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from streams.recognition.corpus import TRAINING
from streams.recognition.marked import Mark, Marked

_KINDS: Final = {
    ("audience", "segment"): "s",
    ("product", None): "p",
    ("trigger", None): "t",
    ("occasion", None): "o",
    ("campaign", None): "c",
    ("contact", None): "n",
    ("subject", None): "j",
    ("schedule", "relative"): "r",
    ("schedule", "recurrence"): "y",
    ("expires", None): "e",
    ("offer", "text"): "k",
    ("period", None): "d",
}
"""Details in words, and the kind of mark that stands for each."""
_SHORTEST_STEM: Final = 4


@cache
def authored_sentences() -> tuple[Marked, ...]:
    """All of them, in the order of the files; the voice is the file and the persona."""
    return tuple(
        sentence
        for path in sorted(TRAINING.glob("author_*.jsonl"))
        for sentence in read_authored(path)
    )


def read_authored(path: Path) -> Iterator[Marked]:
    """Raises `ValueError` or `KeyError` on a line that is not a labelled sentence."""
    for line in path.read_text("utf-8").splitlines():
        said = json.loads(line)
        context = said["context"]
        yield Marked(
            said["text"],
            said["intent"],
            said["campaign_type"],
            context["last_shown_campaign"],
            tuple(_marks(said["text"], said["slots"])),
            f"{path.stem} {said['persona']}",
            tuple(context.get("known_campaigns", ())),
        )


def _marks(text: str, slots: Mapping[str, Any]) -> Iterator[Mark]:
    for (name, key), kind in _KINDS.items():
        words = slots.get(name) if key is None else slots.get(name, {}).get(key)
        if words and (place := _place(words, text)):
            yield Mark(kind, *place)
    if (tone := slots.get("tone")) and (place := _toned(tone, text)):
        yield Mark("a", *place)


def _place(words: str, text: str) -> tuple[int, int] | None:
    """Where the words stand by themselves, else where they stand at all."""
    for pattern in (rf"(?<!\w){re.escape(words)}(?!\w)", re.escape(words)):
        if match := re.search(pattern, text, re.IGNORECASE):
            return match.span()
    return None


def _toned(tone: str, text: str) -> tuple[int, int] | None:
    """The adjective in whatever form it was said: `friendlier` for `friendly`."""
    stem = tone[: max(_SHORTEST_STEM, len(tone) - 2)]
    match = re.search(rf"\b{re.escape(stem)}[\w-]*", text, re.IGNORECASE)
    return match.span() if match else None

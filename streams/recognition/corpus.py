"""Sentences to learn from: the templates of `training/`, expanded the same way every time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from streams.recognition.vocabulary import INTENTS

TRAINING: Path = Path(__file__).with_name("training")
_SEED = 20260105
_PER_TEMPLATE = 3
_LINE = re.compile(r"^(?P<context>[+-])?\s*(?:\[(?P<type>\w+)\])?\s*(?:\[long\])?\s*(?P<body>.+)$")
_INNERMOST = re.compile(r"\(([^()]*)\)")
_FILLER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern with `(a|b)` choices and `{filler}` names.

    `shown`: True only after a campaign was shown, False only when none was, None either way.
    """

    intent: str
    campaign_type: str | None
    shown: bool | None
    body: str


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled sentence. `group` is its template: siblings never straddle a split."""

    text: str
    intent: str
    campaign_type: str | None
    shown: bool
    group: int


@cache
def fillers() -> Mapping[str, Sequence[str]]:
    """Words that stand for `{name}` in a template."""
    words: dict[str, list[str]] = json.loads((TRAINING / "fillers.json").read_text("utf-8"))
    return words


@cache
def templates() -> tuple[Template, ...]:
    return tuple(template for intent in INTENTS for template in _read(intent))


def _read(intent: str) -> Iterator[Template]:
    for line in (TRAINING / f"{intent}.txt").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"a template of {intent} cannot be read")
        shown = {"+": True, "-": False, None: None}[match["context"]]
        yield Template(intent, match["type"], shown, match["body"])


def examples() -> list[Example]:
    """Every template, expanded with varied words, letter case and typing errors. Deterministic."""
    rng = random.Random(_SEED)
    found: dict[tuple[str, bool], Example] = {}
    for group, template in enumerate(templates()):
        for _ in range(_PER_TEMPLATE):
            text = _mistype(_expand(template.body, rng), rng)
            shown = rng.random() < 0.5 if template.shown is None else template.shown
            found.setdefault(
                (text.casefold(), shown),
                Example(text, template.intent, template.campaign_type, shown, group),
            )
    return list(found.values())


def _expand(body: str, rng: random.Random) -> str:
    while match := _INNERMOST.search(body):
        choice = rng.choice(match[1].split("|"))
        body = body[: match.start()] + choice + body[match.end() :]
    while match := _FILLER.search(body):
        body = body[: match.start()] + rng.choice(fillers()[match[1]]) + body[match.end() :]
    return re.sub(r"\s+", " ", body).strip()


def _mistype(text: str, rng: random.Random) -> str:
    """People write in lower case, drop the full stop, and hit the wrong keys."""
    if rng.random() < 0.4:
        text = text.lower()
    elif rng.random() < 0.5:
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.25:
        text = text.rstrip("?!. ") or text
    elif rng.random() < 0.15 and text[-1:].isalnum():
        text += "."
    if rng.random() < 0.15:
        text = text.replace("'", "")
    if rng.random() < 0.2:
        text = " ".join(
            _slip(word, rng) if rng.random() < 0.25 else word for word in text.split(" ")
        )
    return text


def _slip(word: str, rng: random.Random) -> str:
    if len(word) < 4 or not word.isalpha():
        return word
    at = rng.randrange(1, len(word) - 1)
    match rng.randrange(4):
        case 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case 2:
            return word[:at] + word[at] + word[at:]
    return word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :]

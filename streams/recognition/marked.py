"""Sentences to learn from whose details are marked in place: `training/marked*.txt`.

A line is `intent[.type][+] words`, `+` after a campaign was shown; `<s:words>` marks a detail of
the kind `s`, and marks may nest. Voices (`# voice: name`) keep siblings together when a part of
the sentences is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from streams.recognition.corpus import TRAINING

INTENT_CODES: Final = {
    "cr": "create_campaign",
    "mo": "modify_campaign",
    "ap": "approve_campaign",
    "re": "reject_campaign",
    "sc": "schedule_campaign",
    "pa": "pause_campaign",
    "rs": "resume_campaign",
    "ca": "cancel_campaign",
    "qp": "query_performance",
    "qa": "query_audience",
    "te": "send_test",
    "mc": "manage_contacts",
    "pr": "privacy_request",
    "bc": "set_business_context",
    "he": "help",
    "st": "small_talk",
    "cl": "clarify",
    "rf": "refuse",
}
TYPE_CODES: Final = {
    "we": "welcome",
    "nu": "nurture",
    "co": "convert",
    "ab": "abandon",
    "wb": "win_back",
    "an": "announce",
    "ne": "newsletter",
    "pr": "promotional",
}
_LINE = re.compile(r"(?P<intent>[a-z]{2})(?:\.(?P<type>[a-z]{2}))?(?P<shown>\+)? (?P<body>.+)")
_OPENING = re.compile(r"<(?P<kind>[a-z])(?:=(?P<value>[^:>]+))?:")
_LEADING = re.compile(r"(?:an?|the|my|our|your|their|his|her|all|new)\s", re.IGNORECASE)
_ARTICLES = re.compile(r"(?:(?:an?|the|my|our|all) )*", re.IGNORECASE)
_VERBATIM: Final = "j"
"""Kinds that keep their first word, whatever it is."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`text[start:end]` is a detail of this kind."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Marked:
    """One sentence as typed, what it means, and where its details stand."""

    text: str
    intent: str
    campaign_type: str | None
    shown: bool
    marks: tuple[Mark, ...]
    voice: str
    known: tuple[str, ...] = ()
    """Names of campaigns that exist, as far as they are known."""


@cache
def marked_sentences(files: str = "marked*.txt") -> tuple[Marked, ...]:
    """All of them, in the order of the files. Raises `ValueError` on a line that is not one."""
    return tuple(
        sentence
        for path in sorted(TRAINING.glob(files))
        for sentence in _read(path.read_text("utf-8"))
    )


def _read(text: str) -> Iterator[Marked]:
    voice = ""
    for line in text.splitlines():
        if line.startswith("# voice: "):
            voice = line.removeprefix("# voice: ")
        elif line.strip() and not line.startswith("#"):
            yield parse(line, voice)


def parse(line: str, voice: str = "") -> Marked:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"not a marked sentence: {line}")
    text, marks = _unmarked(match["body"])
    return Marked(
        text,
        INTENT_CODES[match["intent"]],
        TYPE_CODES[match["type"]] if match["type"] else None,
        match["shown"] is not None,
        tuple(_without_article(mark, text) for mark in marks),
        voice,
    )


def _unmarked(body: str) -> tuple[str, list[Mark]]:
    """The sentence without its marks, and what they mark. A `>` that closes nothing is text."""
    pieces: list[str] = []
    marks: list[Mark] = []
    opened: list[tuple[str, int]] = []
    at = length = 0
    while at < len(body):
        opening = _OPENING.match(body, at)
        if opening:
            kind = "" if opening["value"] == "none" else opening["kind"]
            opened.append((kind, length))
            at = opening.end()
        elif body[at] == ">" and opened:
            kind, start = opened.pop()
            if kind:
                marks.append(Mark(kind, start, length))
            at += 1
        else:
            pieces.append(body[at])
            length += 1
            at += 1
    return "".join(pieces), marks


def _without_article(mark: Mark, text: str) -> Mark:
    start = mark.start
    if mark.kind == "s":
        lead = _ARTICLES.match(text, start, mark.end)
        return Mark("s", lead.end() if lead else start, mark.end)
    while mark.kind != _VERBATIM and (lead := _LEADING.match(text, start, mark.end)):
        start = lead.end()
    return Mark(mark.kind, start, mark.end)

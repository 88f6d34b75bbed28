"""Finds the open-ended details of a sentence: which words name a group, a product, a trigger ...

Each word gets a label (begins, goes on, neither) by the words around it and the label before it;
the likeliest lawful row of labels is taken. Products and offers may stand inside other details, so
they are told by questions of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.recognition.learning import Floats, Rows
from streams.recognition.sequences import Fields, best_path, likelihoods
from streams.recognition.wording import Token, Wording

LAYERS: Final = ("stncojareyd", "p", "k")
"""Kinds of details by question; those of one question never overlap."""
LABELS: Final = tuple(
    ("O", *(f"{edge}{kind}" for kind in kinds for edge in "BI")) for kinds in LAYERS
)
_EAGER: Final = (0.5, 0.4, 0.4)
"""How much more a missed detail costs than a false one, by question (chosen on unseen authors)."""

_KINDS = (
    ("xnum", re.compile(r"\d+(?:[.,:]\d+)*|two|three|four|five|six|seven|eight|nine|ten")),
    ("xday", re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?")),
    (
        "xmonth",
        re.compile(
            r"january|february|march|april|june|july|august|september|october|november|december"
            r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
        ),
    ),
    ("xrel", re.compile(r"tomorrow|today|tonight|next|weekend|week|morning|evening|afternoon")),
    ("xunit", re.compile(r"(?:day|week|month|year|hour|minute|d|h|hr)s?")),
    (
        "xcamp",
        re.compile(
            r"campaigns?|emails?|mails?|mailing|series|sequence|newsletter|newsletters|letters?"
            r"|reminder|drip|flow|message|messages|announcement|notice|note|digest|invitation"
            r"|invite|course|lessons"
        ),
    ),
    (
        "xpeople",
        re.compile(
            r"customers?|clients?|people|members?|users?|subscribers?|everyone|everybody|ppl"
            r"|readers|guests|students|accounts|leads|owners|buyers|those|patients|folks|guys"
            r"|regulars|shoppers|visitors|holders|prospects|parents|teams|contacts|donors|fans"
            r"|attendees|signups|ups|anyone|someone|who|whoever|families|runners|ladies"
        ),
    ),
    (
        "xsend",
        re.compile(
            r"send|write|tell|email|mail|inform|announce|invite|offer|remind|give|let|make"
            r"|create|draft|prepare|push|notify|launch|promote|nudge|sell|welcome|greet"
        ),
    ),
    ("xpay", re.compile(r"[$\u20ac\u00a3%]|percent|euros?|dollars?|pounds?|off|free|discount")),
    ("xwhen", re.compile(r"when|whenever|once|if|after|as|upon|whoever|somebody|someone|anyone")),
    ("xdo", re.compile(r"is|are|was|were|has|have|had|do|does|did|will|would|should|can|could")),
    (
        "xcontrol",
        re.compile(
            r"pause|resume|stop|cancel|continue|approve|schedule|unpause|restart|hold|kill"
            r"|suspend|reschedule|move|abort|freeze|delete|terminate|reactivate|drop|scrap"
        ),
    ),
)
_ENDS: Final = frozenset(".,;:!?()-\u2013=>")

Context = tuple[str, str | None]
"""Intent and campaign type, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known without learning. `places`: where a grammar sees a kind of detail, as typed.

    `classes`: what each word is known for, such as a first name.
    """

    places: Mapping[str, tuple[int, int]]
    classes: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a sentence as typed: `text[start:end]`, and how sure the tagger is of them."""

    kind: str
    start: int
    end: int
    sure: float


@dataclass(frozen=True, slots=True)
class Tagger:
    """The label questions, side by side, over the known features."""

    columns: Mapping[str, int]
    fields: Fields

    def spans(
        self, wording: Wording, context: Context, hints: Hints, questions: int = len(LAYERS)
    ) -> list[Span]:
        """Every detail that is found, in the order of the sentence, by the first `questions`."""
        tokens = wording.tokens
        if not tokens:
            return []
        rows = [
            np.array([self.columns[f] for f in features if f in self.columns], np.int64)
            for features in word_features(tokens, context, hints)
        ]
        scores = Rows.of([(row, np.ones(len(row), np.float32)) for row in rows]).scores(
            self.fields.weights
        )
        found: list[Span] = []
        at = 0
        asked = list(zip(LABELS, self.fields.moves, _EAGER, strict=True))[:questions]
        for labels, moves, eager in asked:
            layer = scores[:, at : at + len(labels)].copy()
            layer[:, 0] -= eager
            found += _decoded(layer, moves, labels, tokens)
            at += len(labels)
        return sorted(found, key=lambda span: (span.start, span.end))


def _decoded(
    scores: Floats, moves: Floats, labels: Sequence[str], tokens: Sequence[Token]
) -> list[Span]:
    path = best_path(scores, moves)
    if not path.any():
        return []
    sure_of = likelihoods(scores, moves)[np.arange(len(path)), path]
    spans: list[Span] = []
    start = -1
    for at in range(len(tokens) + 1):
        label = labels[path[at]] if at < len(tokens) else "O"
        if start >= 0 and not label.startswith("I"):
            sure = float(np.exp(np.log(sure_of[start:at]).mean()))
            kind = labels[path[start]][1]
            spans.append(Span(kind, tokens[start].start, tokens[at - 1].end, sure))
            start = -1
        if label.startswith("B"):
            start = at
    return spans


def word_features(tokens: Sequence[Token], context: Context, hints: Hints) -> list[list[str]]:
    """What the model sees of each word: itself, its neighbours, what stands before and after."""
    words = ["<", "<", *(token.plain for token in tokens), ">", ">"]
    kinds = [_kind(word) for word in words]
    intent, campaign_type = context
    about = campaign_type or intent
    classes = [(), *hints.classes, ()]
    lead, quoted, rows = "<", False, []
    for at, token in enumerate(tokens, 2):
        word = words[at]
        features = [*_around(words, kinds, at), *_told(words, kinds, at, intent, about)]
        features += [f"l{lead}", f"lw{lead} {word}", f"il{about} {lead}"]
        shape = _shape(token.typed)
        features += [f"s{shape} {intent}", f"sb{shape} {words[at - 1]}"]
        features += _hinted(token, intent, hints.places)
        features += _classed(classes[at - 2 : at + 1], about, words[at - 1])
        if at == 2:
            features.append("first" + about)
        if quoted:
            features += ["q", "q" + lead]
        if word == '"':
            quoted = not quoted
        if kinds[at] not in ("xw", "<", ">"):
            lead = kinds[at]
        rows.append(features)
    return rows


def _around(words: Sequence[str], kinds: Sequence[str], at: int) -> list[str]:
    """The word and its neighbours, by themselves and by their kind."""
    before2, before, word, after, after2 = words[at - 2 : at + 3]
    k1, k0, n1 = kinds[at - 1 : at + 2]
    return [
        "1",
        "w" + word,
        "b" + before,
        "a" + after,
        "B" + before2,
        "A" + after2,
        f"bw{before} {word}",
        f"wa{word} {after}",
        f"kk{k1} {k0} {n1}",
        f"bk{before} {k0}",
        f"ka{k0} {after}",
        "p" + word[:3],
        "e" + word[-3:],
    ]


def _told(
    words: Sequence[str], kinds: Sequence[str], at: int, intent: str, about: str
) -> list[str]:
    """What the intent and campaign type say of the word."""
    return [
        "i" + about,
        f"iw{intent} {words[at]}",
        f"ib{about} {words[at - 1]}",
        f"ik{about} {kinds[at]}",
    ]


def _hinted(token: Token, intent: str, places: Mapping[str, tuple[int, int]]) -> list[str]:
    found: list[str] = []
    for kind, (start, end) in places.items():
        if token.start < end and start < token.end:
            place = f"g{kind}{'B' if token.start <= start else 'I'}"
            found += [place, place + intent, f"{place} {token.plain}"]
        elif end <= token.start <= end + 2:
            found.append("gE" + kind)
    return found


def _classed(classes: Sequence[tuple[str, ...]], about: str, before: str) -> list[str]:
    """What the word and its neighbours are known for."""
    last, here, following = classes
    features = ["G=" + "|".join("+".join(names) for names in classes)]
    for name in here:
        features += ["G" + name, f"G{name} {about}", f"Gb{name} {before}"]
    features += ["G<" + name for name in last]
    features += ["G>" + name for name in following]
    return features


_LEADS: Final = frozenset(
    "for to with of on about in from by until till who that which when if after and or but our my "
    "the a called subject code at back into as because so than new please only instead".split()
)


def _kind(word: str) -> str:
    for name, pattern in _KINDS:
        if pattern.fullmatch(word):
            return name
    return word if word in _ENDS or word in _LEADS or word in "<>\"'" else "xw"


def _shape(typed: str) -> str:
    if typed[:1].isupper():
        return "X" if typed[1:].isupper() else "Xx"
    if typed[:1].isdigit():
        return "9"
    return "x" if typed[:1].isalpha() else typed[:1]

"""How good a recogniser is on labelled sentences: counts only, never the sentences themselves."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from streams.recognition.ports import Recognition, Recognizer, Utterance
from streams.recognition.vocabulary import DANGEROUS, INTENTS

_Z = 1.959964  # two-sided 95 %


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence with what it means, as a person judged it."""

    utterance: Utterance
    intent: str
    campaign_type: str | None
    slots: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Score:
    """Found and true, found and false, missed; and the rates that follow from them."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """All numbers of one run. `dangerous`: how often such an intent was taken wrongly."""

    sentences: int
    right: int
    interval: tuple[float, float]
    types_total: int
    types_right: int
    intents: dict[str, Score]
    slots: dict[str, Score]
    all_slots: Score
    dangerous: dict[str, int]
    confusions: list[tuple[str, str, int]]
    type_confusions: list[tuple[str, str, int]]

    @property
    def accuracy(self) -> float:
        return self.right / self.sentences

    def as_json(self) -> dict[str, Any]:
        """Plain data, with the rates beside the counts."""
        plain = asdict(self)
        for name, scores in (("intents", self.intents), ("slots", self.slots)):
            plain[name] = {key: _rates(score) for key, score in scores.items()}
        return plain | {"accuracy": self.accuracy, "all_slots": _rates(self.all_slots)}


def _rates(score: Score) -> dict[str, float]:
    rates = {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    return asdict(score) | {name: round(rate, 4) for name, rate in rates.items()}


def read_labelled(path: Path) -> list[Labelled]:
    """Raises `OSError` when there is no such file, `ValueError` or `KeyError` on a bad line."""
    with path.open(encoding="utf-8") as file:
        return [_labelled(json.loads(line)) for line in file if line.strip()]


def _labelled(line: Mapping[str, Any]) -> Labelled:
    context = line["context"]
    utterance = Utterance(
        text=line["text"],
        now=datetime.fromisoformat(context["now"]),
        timezone=context["timezone"],
        last_shown_campaign=context["last_shown_campaign"],
        known_campaigns=tuple(context.get("known_campaigns", ())),
    )
    return Labelled(utterance, line["intent"], line["campaign_type"], line["slots"])


def evaluate(recognizer: Recognizer, sentences: Sequence[Labelled]) -> Report:
    """Ask about every sentence once. Slots count per leaf, exact, letter case aside."""
    answers = [recognizer.recognize(sentence.utterance) for sentence in sentences]
    pairs = list(zip(sentences, answers, strict=True))
    right = sum(sentence.intent == answer.intent for sentence, answer in pairs)
    typed = [(s, a) for s, a in pairs if s.campaign_type is not None]
    slots = _slot_scores(pairs)
    return Report(
        sentences=len(pairs),
        right=right,
        interval=wilson(right, len(pairs)),
        types_total=len(typed),
        types_right=sum(s.campaign_type == a.campaign_type for s, a in typed),
        intents=_intent_scores(pairs),
        slots=slots,
        all_slots=Score(
            sum(score.right for score in slots.values()),
            sum(score.wrong for score in slots.values()),
            sum(score.missed for score in slots.values()),
        ),
        dangerous={
            intent: sum(a.intent == intent != s.intent for s, a in pairs)
            for intent in sorted(DANGEROUS)
        },
        confusions=_confusions([(s.intent, a.intent) for s, a in pairs]),
        type_confusions=_confusions(
            [(str(s.campaign_type), str(a.campaign_type)) for s, a in typed if s.intent == a.intent]
        ),
    )


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if total == 0:
        return (0.0, 1.0)
    share, z2 = right / total, _Z * _Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    spread /= 1 + z2 / total
    return (middle - spread, middle + spread)


def leaves(slots: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """`("offer.value", 20)` and so on; every tag is a leaf, a moment is compared as an instant."""
    for name, value in slots.items():
        inner = value.items() if isinstance(value, Mapping) else ((None, value),)
        for key, leaf in inner:
            path = f"{name}.{key}" if key else name
            for item in leaf if isinstance(leaf, list) else [leaf]:
                yield path, _comparable(path, item)


def _comparable(path: str, leaf: object) -> object:
    if path == "schedule.at":
        return datetime.fromisoformat(str(leaf)).timestamp()
    return leaf.casefold() if isinstance(leaf, str) else leaf


_Pairs = Sequence[tuple[Labelled, Recognition]]


def _intent_scores(pairs: _Pairs) -> dict[str, Score]:
    return {
        intent: Score(
            sum(s.intent == intent == a.intent for s, a in pairs),
            sum(s.intent != intent == a.intent for s, a in pairs),
            sum(s.intent == intent != a.intent for s, a in pairs),
        )
        for intent in INTENTS
    }


def _slot_scores(pairs: _Pairs) -> dict[str, Score]:
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for sentence, answer in pairs:
        truth, found = Counter(leaves(sentence.slots)), Counter(leaves(answer.slots))
        for counts, these in (
            (right, truth & found),
            (wrong, found - truth),
            (missed, truth - found),
        ):
            counts.update(path for path, _ in these.elements())
    names = sorted({*right, *wrong, *missed})
    return {name: Score(right[name], wrong[name], missed[name]) for name in names}


def _confusions(labels: Sequence[tuple[str, str]]) -> list[tuple[str, str, int]]:
    counts = Counter((truth, answer) for truth, answer in labels if truth != answer)
    return [(truth, answer, n) for (truth, answer), n in sorted(counts.items(), key=_often)]


def _often(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return (-item[1], item[0])

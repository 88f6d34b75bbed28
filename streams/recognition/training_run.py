"""Learning: examples in, model file out. Run in a process of its own, which frees its memory.

`python -m streams.recognition.training_run FILE`
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.recognition.authored import authored_sentences
from streams.recognition.corpus import Example, examples
from streams.recognition.features import NAMED, Grams, letter_grams, model_words, word_grams
from streams.recognition.learning import Floats, Rows, fit
from streams.recognition.lexicon import lexicon
from streams.recognition.marked import Marked, marked_sentences
from streams.recognition.model import Block, Head, Model, vector
from streams.recognition.sequences import learn
from streams.recognition.slots.campaigns import without_name
from streams.recognition.slots.hints import hints
from streams.recognition.tagger import LABELS, LAYERS, Tagger, word_features
from streams.recognition.wording import Token, Wording, read

_FOLDS: Final = 4
_WORDS_SEEN: Final = 2
_LETTERS_SEEN: Final = 3
_FEATURES_SEEN: Final = 2
_NATURAL: Final = 6.0
"""A sentence that somebody wrote counts for so many that a template made."""
_EPOCHS: Final = 4
_RATE: Final = 0.5
_TAG_EPOCHS: Final = 10
_TAG_RATE: Final = 0.3
_DROPPED: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence as a classifier learns it. `group`: siblings never straddle a split."""

    plain: str
    of: Example | Marked
    group: int
    weight: float


def train(sentences: Sequence[Example], marked: Sequence[Marked]) -> Model:
    """The same sentences give the same model."""
    wordings = [read(s.text, lexicon(), s.known) for s in marked]
    lines = [*_from_templates(sentences), *_from_people(marked, wordings)]
    seen = [model_words(line.plain, line.of.shown) for line in lines]
    words = _block([word_grams(s) for s in seen], _WORDS_SEEN, 0)
    letters = _block([letter_grams(s) for s in seen], _LETTERS_SEEN, len(words.columns))
    rows = Rows.of([vector(words, letters, s) for s in seen])
    weight = np.array([line.weight for line in lines], np.float32)
    groups = np.array([line.group for line in lines])
    width = len(words.columns) + len(letters.columns)
    types = [line.of.campaign_type for line in lines]
    typed = np.array([at for at, name in enumerate(types) if name is not None])
    return Model(
        words,
        letters,
        _head(rows, [line.of.intent for line in lines], weight, groups, width),
        _head(
            rows.take(typed),
            [str(types[at]) for at in typed],
            weight[typed],
            groups[typed],
            width,
        ),
        _tagger(marked, wordings),
    )


def _from_templates(sentences: Sequence[Example]) -> Iterator[_Line]:
    for sentence in sentences:
        yield _Line(read(sentence.text, lexicon()).plain, sentence, sentence.group, 1.0)


def _from_people(marked: Sequence[Marked], wordings: Sequence[Wording]) -> Iterator[_Line]:
    """Each sentence, and once more without the name of a campaign where one is named."""
    for at, (sentence, wording) in enumerate(zip(marked, wordings, strict=True)):
        yield _Line(wording.plain, sentence, at, _NATURAL)
        nameless = without_name(wording.plain, _names(sentence), NAMED)
        if nameless != wording.plain:
            yield _Line(nameless, sentence, at, _NATURAL)


def _names(sentence: Marked) -> tuple[str, ...]:
    """What campaigns are called in it."""
    marks = (mark for mark in sentence.marks if mark.kind == "c")
    return sentence.known or tuple(sentence.text[mark.start : mark.end] for mark in marks)


def _block(all_grams: Sequence[Grams], least: int, offset: int) -> Block:
    counts: Counter[str] = Counter()
    for grams in all_grams:
        counts.update(grams.keys())
    kept = sorted(gram for gram, count in counts.items() if count >= least)
    rarity = [math.log((1 + len(all_grams)) / (1 + counts[gram])) + 1 for gram in kept]
    columns = {gram: at for at, gram in enumerate(kept)}
    return Block(columns, np.array(rarity, np.float32), offset)


def _head(
    rows: Rows, names: Sequence[str], weight: Floats, groups: NDArray[np.int64], width: int
) -> Head:
    """Scores are scaled on templates the trial model never saw, so that they are probabilities."""
    labels = tuple(sorted(set(names)))
    truth = np.array([labels.index(name) for name in names])
    held = np.flatnonzero(groups % _FOLDS == 0)
    rest = np.flatnonzero(groups % _FOLDS != 0)
    trial = _fit(rows.take(rest), truth[rest], weight[rest], width, len(labels), _EPOCHS - 1)
    temperature = _temperature(rows.take(held).scores(trial), truth[held], weight[held])
    weights = _fit(rows, truth, weight, width, len(labels), _EPOCHS)
    return Head(labels, weights, np.zeros(len(labels), np.float32), temperature)


def _fit(
    rows: Rows, truth: NDArray[np.int64], weight: Floats, width: int, classes: int, epochs: int
) -> Floats:
    return fit(rows, truth, weight, width=width, classes=classes, epochs=epochs, rate=_RATE)


def _temperature(scores: Floats, truth: NDArray[np.int64], weight: Floats) -> float:
    """The scale at which unseen sentences are least surprising."""
    at = np.arange(len(truth))

    def surprise(temperature: float) -> float:
        scaled = scores / temperature
        highest = scaled.max(axis=1)
        total = np.log(np.exp(scaled - highest[:, None]).sum(axis=1)) + highest
        return float(((total - scaled[at, truth]) * weight).sum())

    return min((0.4 * 1.1**step for step in range(30)), key=surprise)


def _tagger(marked: Sequence[Marked], wordings: Sequence[Wording]) -> Tagger:
    all_features: list[list[str]] = []
    truths: list[list[int]] = [[] for _ in LAYERS]
    for at, (sentence, wording) in enumerate(zip(marked, wordings, strict=True)):
        tokens = wording.tokens
        known = sentence.known or (_names(sentence) if at % 2 else ())
        all_features += word_features(
            tokens, (sentence.intent, sentence.campaign_type), hints(wording, known)
        )
        for layer, truth in enumerate(truths):
            truth += _labels(sentence, tokens, layer)
    columns = _known(all_features)
    fields = learn(
        Rows.of([_row(features, columns) for features in all_features]),
        [np.array(truth) for truth in truths],
        np.cumsum([0, *(len(wording.tokens) for wording in wordings)]),
        width=len(columns),
        classes=[len(labels) for labels in LABELS],
        epochs=_TAG_EPOCHS,
        rate=_TAG_RATE,
        dropped=_DROPPED,
    )
    return Tagger(columns, fields)


def _known(all_features: Iterable[Sequence[str]]) -> dict[str, int]:
    counts = Counter(feature for features in all_features for feature in features)
    kept = [feature for feature, count in counts.items() if count >= _FEATURES_SEEN]
    return {feature: at for at, feature in enumerate(kept)}


def _row(features: Sequence[str], columns: dict[str, int]) -> tuple[NDArray[np.int64], Floats]:
    known = np.array([columns[f] for f in features if f in columns], np.int64)
    return known, np.ones(len(known), np.float32)


def _labels(sentence: Marked, tokens: Sequence[Token], layer: int) -> list[int]:
    labels = LABELS[layer]
    found = [0] * len(tokens)
    for mark in sentence.marks:
        if mark.kind not in LAYERS[layer]:
            continue
        inside = [at for at, t in enumerate(tokens) if t.start < mark.end and mark.start < t.end]
        for at in inside:
            found[at] = labels.index(("B" if at == inside[0] else "I") + mark.kind)
    return found


if __name__ == "__main__":
    train(examples(), [*marked_sentences(), *authored_sentences()]).save(Path(sys.argv[1]))

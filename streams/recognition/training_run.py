"""Learning: examples in, model file out. Run in a process of its own, which frees its memory.

`python -m streams.recognition.training_run FILE`
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from streams.recognition.corpus import Example, examples
from streams.recognition.features import Grams, letter_grams, model_words, word_grams
from streams.recognition.lexicon import lexicon
from streams.recognition.model import Block, Head, Model, vector
from streams.recognition.wording import read

_FOLDS = 4
_WORDS_SEEN = 2
_LETTERS_SEEN = 3


def train(sentences: Sequence[Example]) -> Model:
    """The same sentences give the same model."""
    plain = [read(example.text, lexicon()).plain for example in sentences]
    shown = [example.shown for example in sentences]
    seen = [model_words(text, flag) for text, flag in zip(plain, shown, strict=True)]
    words = _block((word_grams(s) for s in seen), _WORDS_SEEN, 0)
    letters = _block((letter_grams(s) for s in seen), _LETTERS_SEEN, len(words.columns))
    matrix = _matrix(words, letters, plain, shown)
    groups = np.array([example.group for example in sentences])
    typed = np.array([example.campaign_type is not None for example in sentences])
    intents = np.array([example.intent for example in sentences])
    types = np.array([example.campaign_type or "" for example in sentences])
    return Model(
        words,
        letters,
        _head(matrix, intents, groups),
        _head(matrix[typed], types[typed], groups[typed]),
    )


def _block(all_grams: Iterable[Grams], least: int, offset: int) -> Block:
    sentences = 0
    counts: Counter[str] = Counter()
    for grams in all_grams:
        sentences += 1
        counts.update(grams.keys())
    kept = sorted(gram for gram, count in counts.items() if count >= least)
    rarity = [math.log((1 + sentences) / (1 + counts[gram])) + 1 for gram in kept]
    columns = {gram: at for at, gram in enumerate(kept)}
    return Block(columns, np.array(rarity, np.float32), offset)


def _matrix(words: Block, letters: Block, plain: list[str], shown: list[bool]) -> Any:
    rows = [vector(words, letters, *pair) for pair in zip(plain, shown, strict=True)]
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    return csr_matrix(
        (np.concatenate([w for _, w in rows]), np.concatenate([c for c, _ in rows]), ends),
        shape=(len(rows), len(words.columns) + len(letters.columns)),
    )


def _head(matrix: Any, labels: NDArray[Any], groups: NDArray[Any]) -> Head:
    """Scores are scaled on templates the trial model never saw, so that they are probabilities."""
    held = groups % _FOLDS == 0
    trial = _fit(matrix[~held], labels[~held])
    temperature = _temperature(trial, matrix[held], labels[held])
    model = _fit(matrix, labels)
    return Head(
        tuple(str(label) for label in model.classes_),
        np.ascontiguousarray(model.coef_.T, np.float32),
        model.intercept_.astype(np.float32),
        temperature,
    )


def _fit(matrix: Any, labels: NDArray[Any]) -> LogisticRegression:
    return LogisticRegression(C=8.0, class_weight="balanced", max_iter=60, tol=1e-3).fit(
        matrix, labels
    )


def _temperature(model: LogisticRegression, matrix: Any, labels: NDArray[Any]) -> float:
    """The scale at which unseen templates are least surprising."""
    scores = model.decision_function(matrix)
    truth = np.searchsorted(model.classes_, labels)
    rows = np.arange(len(labels))

    def surprise(temperature: float) -> float:
        scaled = scores / temperature
        highest = scaled.max(axis=1)
        total = np.log(np.exp(scaled - highest[:, None]).sum(axis=1)) + highest
        return float((total - scaled[rows, truth]).mean())

    return min((0.5 * 1.1**step for step in range(20)), key=surprise)


if __name__ == "__main__":
    train(examples()).save(Path(sys.argv[1]))

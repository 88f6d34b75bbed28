"""Rows of labels: what follows what is learned too, and an unlawful row is never read."""

from __future__ import annotations

import numpy as np
import pytest

from streams.recognition.learning import Floats, Rows
from streams.recognition.sequences import Fields, best_path, lawful, learn, likelihoods

OUTSIDE, BEGINS, GOES_ON = 0, 1, 2
SAID = np.array([0, 1, 2, 2, 0, 1])
"""The word at each place: only the first one of a detail can be told by itself."""
TRUTH = np.array([OUTSIDE, BEGINS, GOES_ON, GOES_ON, OUTSIDE, BEGINS])


def learned() -> Fields:
    one = np.ones(1, np.float32)
    sentences = 30
    rows = Rows.of([(np.array([word]), one) for _ in range(sentences) for word in SAID])
    starts = np.arange(sentences + 1) * len(SAID)
    return learn(
        rows,
        [np.tile(TRUTH, sentences)],
        starts,
        width=3,
        classes=[3],
        epochs=12,
        rate=0.5,
        dropped=0.1,
    )


def scores(fields: Fields, words: list[int]) -> Floats:
    return np.asarray(fields.weights[np.array(words)], np.float32)


def test_the_same_sentences_teach_the_same() -> None:
    one, other = learned(), learned()
    assert (one.weights == other.weights).all()
    assert (one.moves[0] == other.moves[0]).all()


def test_labels_and_what_follows_what_are_learned() -> None:
    fields = learned()
    assert best_path(scores(fields, [0, 1, 2, 0]), fields.moves[0]).tolist() == [0, 1, 2, 0]
    assert fields.moves[0][BEGINS, GOES_ON] > fields.moves[0][BEGINS, BEGINS]


@pytest.mark.parametrize("words", [[2], [2, 2], [0, 2, 1], [1, 0, 2, 2]])
def test_a_detail_goes_on_only_where_it_has_begun(words: list[int]) -> None:
    fields = learned()
    before = OUTSIDE
    for label in best_path(scores(fields, words), fields.moves[0]).tolist():
        assert label != GOES_ON or before != OUTSIDE
        before = label


def test_likelihoods_are_those_of_all_lawful_rows() -> None:
    layer = np.array([[0.3, 1.0, 2.0], [0.1, 0.2, 1.5]], np.float32)
    moves = lawful(3)
    rows = {
        (first, second): np.exp(layer[0, first] + layer[1, second])
        for first in (OUTSIDE, BEGINS)
        for second in range(3)
        if not (first == OUTSIDE and second == GOES_ON)
    }
    total = sum(rows.values())
    expected = [
        [sum(p for row, p in rows.items() if row[at] == label) / total for label in range(3)]
        for at in range(2)
    ]
    assert likelihoods(layer, moves) == pytest.approx(np.array(expected), abs=1e-4)

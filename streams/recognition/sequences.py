"""Rows of labels learned and read as a whole: conditional random fields by plain arithmetic.

A label is likelier or not by the words around it and by the label before it. Several questions
about the same words share their features: their labels stand side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.recognition.learning import Batch, Floats, Rows, batch_of

_SEED: Final = 20260105
_SENTENCES: Final = 24
"""Sentences of one length that are learned from in one step."""
_IMPOSSIBLE: Final = -1e9


@dataclass(frozen=True, slots=True)
class Fields:
    """What was learned: weights of features by label, and for each question of label by label."""

    weights: Floats
    moves: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """Sentences of `length` words, one word after the other, and their true labels."""

    batch: Batch
    truths: tuple[NDArray[np.int64], ...]
    length: int


def lawful(width: int) -> Floats:
    """What may follow what: row 0 is `O`, odd columns begin a detail, even ones go on with it."""
    moves = np.zeros((width, width), np.float32)
    for goes_on in range(2, width, 2):
        moves[:, goes_on] = _IMPOSSIBLE
        moves[[goes_on - 1, goes_on], goes_on] = 0
    return moves


def learn(
    rows: Rows,
    truths: Sequence[NDArray[np.int64]],
    starts: NDArray[np.int64],
    *,
    width: int,
    classes: Sequence[int],
    epochs: int,
    rate: float,
    dropped: float,
) -> Fields:
    """Fields under which `truths` are least surprising: the mean of those after each epoch.

    `starts`: the first row of each sentence, and the end. `dropped`: the share of features that
    are looked away from each time, so that no single word is relied upon.
    """
    random = np.random.default_rng(_SEED)
    steps = _steps(rows, truths, starts, random)
    learner = _Learner.of(width, classes, rate)
    total = [np.zeros_like(table) for table in (learner.weights, *learner.moves)]
    for epoch in range(epochs):
        for at in random.permutation(len(steps)):
            shape = len(steps[at].batch.rows.values)
            kept = (random.random(shape, np.float32) >= dropped) / (1 - dropped)
            learner.improve(steps[at], kept.astype(np.float32))
        if epoch:
            for summed, table in zip(total, (learner.weights, *learner.moves), strict=True):
                summed += table
    weights, *moves = (np.asarray(table / (epochs - 1), np.float32) for table in total)
    return Fields(weights, tuple(moves))


@dataclass(frozen=True, slots=True)
class _Learner:
    """Weights and moves on their way, with how much each was changed already (AdaGrad)."""

    weights: Floats
    moves: tuple[Floats, ...]
    weighed: Floats
    moved: tuple[Floats, ...]
    rate: float

    @classmethod
    def of(cls, width: int, classes: Sequence[int], rate: float) -> _Learner:
        weights = np.zeros((width, sum(classes)), np.float32)
        moves = tuple(lawful(count) for count in classes)
        moved = tuple(np.full_like(table, 1e-6) for table in moves)
        return cls(weights, moves, np.full_like(weights, 1e-6), moved, rate)

    def improve(self, step: _Step, values: Floats) -> None:
        """One step down the slope of surprise, the features weighing `values`."""
        batch = step.batch
        scores = Rows(batch.rows.columns, values, batch.rows.starts).scores(self.weights)
        error, errors_of_moves = _errors(scores, step, self.moves)
        parts = error[batch.row_of] * values[batch.order][:, None]
        slope = np.add.reduceat(parts, batch.groups, axis=0)
        self.weighed[batch.known] += slope * slope
        self.weights[batch.known] -= self.rate * slope / np.sqrt(self.weighed[batch.known])
        for table, before, wrong in zip(self.moves, self.moved, errors_of_moves, strict=True):
            before += wrong * wrong
            change = self.rate * wrong / np.sqrt(before)
            table -= np.where(table > _IMPOSSIBLE / 2, change, 0)


def _errors(scores: Floats, step: _Step, moves: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
    """How far the expected labels and moves are from the true ones."""
    at = 0
    errors, errors_of_moves = [], []
    for table, truth in zip(moves, step.truths, strict=True):
        width = len(table)
        layer = scores[:, at : at + width].reshape(-1, step.length, width)
        expected, moving = _expected(layer, table)
        expected[np.arange(len(truth)), truth] -= 1
        rows = truth.reshape(-1, step.length)
        np.subtract.at(moving, (rows[:, :-1].ravel(), rows[:, 1:].ravel()), 1)
        errors.append(expected)
        errors_of_moves.append(moving)
        at += width
    return np.concatenate(errors, axis=1), errors_of_moves


def _expected(layer: Floats, moves: Floats) -> tuple[Floats, Floats]:
    """Forward and backward: how likely each label is at each word, and each move in all."""
    power = np.exp(layer - layer.max(axis=2, keepdims=True)).astype(np.float64)
    through = np.exp(moves.astype(np.float64))
    ahead = np.empty_like(power)
    back = np.ones_like(power)
    scale = np.empty(power.shape[:2])
    ahead[:, 0] = power[:, 0] * _opening(power.shape[2])
    for at in range(power.shape[1]):
        if at:
            ahead[:, at] = (ahead[:, at - 1] @ through) * power[:, at]
        scale[:, at] = ahead[:, at].sum(axis=1)
        ahead[:, at] /= scale[:, at, None]
    for at in range(power.shape[1] - 2, -1, -1):
        back[:, at] = ((power[:, at + 1] * back[:, at + 1]) @ through.T) / scale[:, at + 1, None]
    entering = power[:, 1:] * back[:, 1:] / scale[:, 1:, None]
    width = power.shape[2]
    moving = through * (ahead[:, :-1].reshape(-1, width).T @ entering.reshape(-1, width))
    return (ahead * back).reshape(-1, width).astype(np.float32), moving.astype(np.float32)


def _opening(width: int) -> NDArray[np.float64]:
    """A sentence opens with a beginning or with neither."""
    opening = np.ones(width)
    opening[2::2] = 0
    return opening


def likelihoods(scores: Floats, moves: Floats) -> Floats:
    """How likely each label is at each word of one sentence: forward and backward, no moves."""
    power = np.exp(scores - scores.max(axis=1, keepdims=True)).astype(np.float64)
    through = np.exp(moves.astype(np.float64))
    ahead = np.empty_like(power)
    back = np.ones_like(power)
    ahead[0] = power[0] * _opening(power.shape[1])
    for at in range(len(power)):
        if at:
            ahead[at] = (ahead[at - 1] @ through) * power[at]
        ahead[at] /= ahead[at].sum()
    for at in range(len(power) - 2, -1, -1):
        back[at] = through @ (power[at + 1] * back[at + 1])
        back[at] /= back[at].sum()
    likely = ahead * back
    return np.asarray(likely / likely.sum(axis=1, keepdims=True), np.float32)


def best_path(scores: Floats, moves: Floats) -> NDArray[np.int64]:
    """Viterbi: the likeliest lawful row of labels."""
    if _surely_nothing(scores, moves):
        return np.zeros(len(scores), np.int64)
    best = scores[0] + lawful(len(moves))[0]
    back: list[NDArray[np.int64]] = []
    for row in scores[1:]:
        through = best[:, None] + moves
        back.append(through.argmax(axis=0))
        best = through.max(axis=0) + row
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1], np.int64)


def _surely_nothing(scores: Floats, moves: Floats) -> bool:
    """Whether no label can make up for what entering and leaving it may win at most."""
    most = 2 * (moves.max() - moves[0, 0])
    return bool((scores[:, 1:].max(axis=1) + most < scores[:, 0]).all())


def _steps(
    rows: Rows,
    truths: Sequence[NDArray[np.int64]],
    starts: NDArray[np.int64],
    random: np.random.Generator,
) -> list[_Step]:
    lengths = np.diff(starts)
    shuffled = random.permutation(len(lengths))
    steps = []
    for length in np.unique(lengths[lengths > 0]):
        alike = shuffled[lengths[shuffled] == length]
        for first in range(0, len(alike), _SENTENCES):
            chosen = (starts[alike[first : first + _SENTENCES], None] + np.arange(length)).ravel()
            steps.append(
                _Step(batch_of(rows.take(chosen)), tuple(truth[chosen] for truth in truths), length)
            )
    return steps

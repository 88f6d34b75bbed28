"""A linear model learned by plain arithmetic: softmax regression, no library to import.

AdaGrad over fixed batches: the same rows give the same weights, in about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Columns = NDArray[np.int64]

_BATCH = 256
_SEED = 20260105


@dataclass(frozen=True, slots=True)
class Rows:
    """Sparse rows, one after the other: `columns[starts[i]:starts[i + 1]]` belong to row `i`."""

    columns: Columns
    values: Floats
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[tuple[Columns, Floats]]) -> Rows:
        starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        return cls(
            np.concatenate([columns for columns, _ in rows]),
            np.concatenate([values for _, values in rows]).astype(np.float32),
            starts,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, chosen: NDArray[np.int64]) -> Rows:
        lengths = self.starts[chosen + 1] - self.starts[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        where = np.repeat(self.starts[chosen] - starts[:-1], lengths) + np.arange(starts[-1])
        return Rows(self.columns[where], self.values[where], starts)

    def scores(self, weights: Floats) -> Floats:
        """Rows times weights. No row may be empty."""
        sums = np.add.reduceat(
            weights[self.columns] * self.values[:, None], self.starts[:-1], axis=0
        )
        return np.asarray(sums, np.float32)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one step, with their columns grouped for adding up gradients."""

    rows: Rows
    known: Columns
    order: NDArray[np.int64]
    row_of: NDArray[np.int64]
    groups: NDArray[np.int64]


def fit(
    rows: Rows,
    truth: NDArray[np.int64],
    weight: Floats,
    *,
    width: int,
    classes: int,
    epochs: int,
    rate: float,
    decay: float = 0.0,
) -> Floats:
    """Weights (`width` x `classes`) under which `truth` is least surprising."""
    weights = np.zeros((width, classes), np.float32)
    seen = np.full((width, classes), 1e-6, np.float32)
    batches = _batches(rows, truth, weight)
    for _ in range(epochs):
        for batch, truths, weights_of in batches:
            error = _probabilities(batch.rows.scores(weights))
            error[np.arange(len(truths)), truths] -= 1
            error *= weights_of[:, None]
            parts = error[batch.row_of] * batch.rows.values[batch.order][:, None]
            slope = np.add.reduceat(parts, batch.groups, axis=0)
            here = weights[batch.known]
            slope += decay * here
            seen[batch.known] += slope * slope
            weights[batch.known] = here - rate * slope / np.sqrt(seen[batch.known])
    return weights


def _batches(
    rows: Rows, truth: NDArray[np.int64], weight: Floats
) -> list[tuple[Batch, NDArray[np.int64], Floats]]:
    shuffled = np.random.default_rng(_SEED).permutation(len(rows))
    return [
        (batch_of(rows.take(chosen)), truth[chosen], weight[chosen])
        for chosen in np.array_split(shuffled, max(1, len(rows) // _BATCH))
    ]


def batch_of(rows: Rows) -> Batch:
    """These rows as one step."""
    order = np.argsort(rows.columns, kind="stable")
    known, groups = np.unique(rows.columns[order], return_index=True)
    row_of = np.repeat(np.arange(len(rows)), np.diff(rows.starts))[order]
    return Batch(rows, known, order, row_of, groups)


def _probabilities(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)

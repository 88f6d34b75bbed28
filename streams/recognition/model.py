"""A trained model as a file, and the scores it gives: nothing but arithmetic on small arrays."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.recognition.features import Grams, letter_grams, model_words, word_grams
from streams.recognition.sequences import Fields
from streams.recognition.tagger import LAYERS, Tagger

Floats = NDArray[np.float32]
Ranking = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of features: the column and the rarity weight of each known one."""

    columns: Mapping[str, int]
    rarity: Floats
    offset: int

    def vector(self, grams: Grams) -> tuple[NDArray[np.int64], Floats]:
        """Columns and weights of the known features, of length one together."""
        known = [
            (self.columns[g], 1.0 + math.log(n)) for g, n in grams.items() if g in self.columns
        ]
        if not known:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        columns = np.array([column for column, _ in known], np.int64)
        weights = np.array([weight for _, weight in known], np.float32) * self.rarity[columns]
        weights /= np.sqrt((weights * weights).sum())
        return columns + self.offset, weights.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Head:
    """One question with a closed list of answers."""

    labels: tuple[str, ...]
    weights: Floats
    bias: Floats
    temperature: float

    def ranked(self, columns: NDArray[np.int64], values: Floats) -> Ranking:
        """Probabilities of all answers, best first."""
        scores = (values @ self.weights[columns] + self.bias) / self.temperature
        powers = np.exp(scores - scores.max())
        p = (powers / powers.sum()).tolist()
        return tuple(sorted(zip(self.labels, p, strict=True), key=lambda pair: (-pair[1], pair[0])))


@dataclass(frozen=True, slots=True)
class Model:
    """Intent, campaign type and open-ended details of a sentence in plain words."""

    words: Block
    letters: Block
    intents: Head
    campaign_types: Head
    tagger: Tagger

    def vector(self, plain: str, shown: bool) -> tuple[NDArray[np.int64], Floats]:
        return vector(self.words, self.letters, model_words(plain, shown))

    def save(self, path: Path) -> None:
        """Write everything to one file; the file appears whole or not at all."""
        about = {
            "words": list(self.words.columns),
            "letters": list(self.letters.columns),
            "tags": list(self.tagger.columns),
            "intents": self.intents.labels,
            "types": self.campaign_types.labels,
            "temperatures": (self.intents.temperature, self.campaign_types.temperature),
        }
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        arrays: dict[str, NDArray[Any]] = {
            "about": text,
            "words": self.words.rarity,
            "letters": self.letters.rarity,
            "intents": self.intents.weights,
            "intents_bias": self.intents.bias,
            "types": self.campaign_types.weights,
            "types_bias": self.campaign_types.bias,
            "tags": self.tagger.fields.weights,
        }
        arrays |= {f"moves{at}": moves for at, moves in enumerate(self.tagger.fields.moves)}
        draft = path.with_suffix(f".{os.getpid()}.part")  # two may be training at once
        with draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Model:
        """Raises `OSError`, `ValueError` or `KeyError` when the file is not a model."""
        with np.load(path, allow_pickle=False) as data:
            about = json.loads(bytes(data["about"]))
            words = {gram: at for at, gram in enumerate(about["words"])}
            letters = {gram: at for at, gram in enumerate(about["letters"])}
            temperatures = about["temperatures"]
            return cls(
                Block(words, data["words"], 0),
                Block(letters, data["letters"], len(words)),
                Head(
                    tuple(about["intents"]), data["intents"], data["intents_bias"], temperatures[0]
                ),
                Head(tuple(about["types"]), data["types"], data["types_bias"], temperatures[1]),
                Tagger(
                    {feature: at for at, feature in enumerate(about["tags"])},
                    Fields(data["tags"], tuple(data[f"moves{at}"] for at in range(len(LAYERS)))),
                ),
            )


def vector(words: Block, letters: Block, seen: list[str]) -> tuple[NDArray[np.int64], Floats]:
    """The features of a sentence over both blocks; `seen` are its `model_words`."""
    word_columns, word_weights = words.vector(word_grams(seen))
    letter_columns, letter_weights = letters.vector(letter_grams(seen))
    return (
        np.concatenate([word_columns, letter_columns]),
        np.concatenate([word_weights, letter_weights]),
    )

"""The trained model is a file that belongs to exactly this code and data."""

from __future__ import annotations

from pathlib import Path

from streams.recognition import cache
from streams.recognition.lexicon import lexicon
from streams.recognition.model import Model
from streams.recognition.offline import OfflineRecognizer
from streams.recognition.wording import read


def test_a_model_is_trained_once_and_a_broken_file_is_replaced(
    offline: OfflineRecognizer, model_folder: Path
) -> None:
    path = model_folder / f"recognizer-{cache.fingerprint()}.npz"
    written = path.stat().st_mtime_ns
    first = ranked(cache.load(model_folder))
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"not a model")
    assert ranked(cache.load(model_folder)) == first
    assert ranked(offline._model) == first


def ranked(model: Model) -> object:
    plain = read("20% off shoes for our regulars", lexicon()).plain
    return model.intents.ranked(*model.vector(plain, shown=False))


def test_probabilities_add_up_to_one(offline: OfflineRecognizer) -> None:
    ranking = offline._model.intents.ranked(*offline._model.vector("hello", shown=False))
    assert abs(sum(p for _, p in ranking) - 1) < 1e-5
    assert [p for _, p in ranking] == sorted((p for _, p in ranking), reverse=True)

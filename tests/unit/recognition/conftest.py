"""One trained recogniser for all tests of this folder; training takes seconds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.recognition import cache
from streams.recognition.offline import OfflineRecognizer
from streams.recognition.ports import Recognition, Utterance

Say = Callable[..., Recognition]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a copy of the checkout's model, which is trained now if it never was."""
    cache.load(cache.MODELS)
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(cache.MODELS / f"recognizer-{cache.fingerprint()}.npz", folder)
    return folder


@pytest.fixture(scope="session")
def offline(model_folder: Path) -> OfflineRecognizer:
    return OfflineRecognizer.load(model_folder)


@pytest.fixture(scope="session")
def say(offline: OfflineRecognizer) -> Say:
    """Say something on Monday, 2 March 2026, at 10 in London."""

    def heard(text: str, *, shown: bool = False, known: tuple[str, ...] = ()) -> Recognition:
        now = datetime(2026, 3, 2, 10, tzinfo=UTC)
        options: dict[str, Any] = {"last_shown_campaign": shown, "known_campaigns": known}
        return offline.recognize(Utterance(text, now, "Europe/London", **options))

    return heard

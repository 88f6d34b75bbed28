"""One trained recogniser for all tests of this folder; training takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.recognition.offline import OfflineRecognizer
from streams.recognition.ports import Recognition, Utterance

Say = Callable[..., Recognition]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


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

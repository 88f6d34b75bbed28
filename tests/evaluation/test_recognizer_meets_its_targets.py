"""The offline engine on labelled sentences: what it has to reach, and that it is safe.

Only counts are looked at here. The sentences are never printed, so that nobody learns from them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.recognition.evaluation import Report, evaluate, read_labelled
from streams.recognition.offline import OfflineRecognizer

SETS = ("first_heldout.jsonl", "heldout2.jsonl")
"""The first is part of the training data by now; only the second says how good the engine is."""

INTENT_TARGET = 0.90
SLOT_TARGET = 0.85

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> OfflineRecognizer:
    return OfflineRecognizer.load(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module", params=[name for name in SETS if (HERE / name).exists()])
def report(recognizer: OfflineRecognizer, request: pytest.FixtureRequest) -> Report:
    return evaluate(recognizer, read_labelled(HERE / str(request.param)))


def test_no_sentence_is_wrongly_taken_as_approve_resume_schedule_or_privacy(
    report: Report,
) -> None:
    assert report.dangerous == {
        "approve_campaign": 0,
        "privacy_request": 0,
        "resume_campaign": 0,
        "schedule_campaign": 0,
    }


def test_the_target_for_intents(report: Report) -> None:
    assert report.accuracy >= INTENT_TARGET


def test_the_target_for_slots(report: Report) -> None:
    assert report.all_slots.f1 >= SLOT_TARGET

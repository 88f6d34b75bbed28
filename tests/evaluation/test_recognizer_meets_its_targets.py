"""The offline engine on labelled sentences: what it has to reach, and that it is safe.

Only counts are looked at here. The sentences are never printed, so that nobody learns from them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.recognition.evaluation import Report, evaluate, read_labelled
from streams.recognition.offline import OfflineRecognizer

HERE = Path(__file__).parent
FIRST, BLIND = "first_heldout.jsonl", "heldout2.jsonl"
"""The first is part of the training data by now; only the second says how good the engine is."""

REACHED_INTENTS, REACHED_SLOTS, REACHED_DANGEROUS = 0.85, 0.80, 1
"""What the one blind measurement gave (0.854, 0.806, 1), so that it cannot get worse unseen."""

TARGET_INTENTS, TARGET_SLOTS = 0.90, 0.85
_missed = pytest.mark.xfail(reason="missed on the blind set; see docs/explanation", strict=True)


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> OfflineRecognizer:
    return OfflineRecognizer.load(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def first(recognizer: OfflineRecognizer) -> Report:
    return evaluate(recognizer, read_labelled(HERE / FIRST))


@pytest.fixture(scope="module")
def blind(recognizer: OfflineRecognizer) -> Report:
    return evaluate(recognizer, read_labelled(HERE / BLIND))


def test_what_was_learnt_is_kept(first: Report) -> None:
    assert first.accuracy >= TARGET_INTENTS
    assert first.all_slots.f1 >= TARGET_SLOTS
    assert not any(first.dangerous.values())


def test_the_blind_set_gives_no_less_than_it_gave(blind: Report) -> None:
    assert blind.accuracy >= REACHED_INTENTS
    assert blind.all_slots.f1 >= REACHED_SLOTS
    assert sum(blind.dangerous.values()) <= REACHED_DANGEROUS


def test_nothing_is_wrongly_taken_as_an_approval_a_resumption_or_a_privacy_request(
    blind: Report,
) -> None:
    dangerous = {name: n for name, n in blind.dangerous.items() if name != "schedule_campaign"}
    assert not any(dangerous.values())


@_missed
def test_the_target_for_intents(blind: Report) -> None:
    assert blind.accuracy >= TARGET_INTENTS


@_missed
def test_the_target_for_slots(blind: Report) -> None:
    assert blind.all_slots.f1 >= TARGET_SLOTS


@_missed
def test_nothing_is_wrongly_taken_as_a_schedule(blind: Report) -> None:
    assert not blind.dangerous["schedule_campaign"]

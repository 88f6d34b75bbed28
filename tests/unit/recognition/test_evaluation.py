"""The measuring itself: a known recogniser gets the known numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.recognition.evaluation import Labelled, evaluate, leaves, wilson
from streams.recognition.ports import Recognition, Utterance

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


class AlwaysApproves:
    def recognize(self, _utterance: Utterance) -> Recognition:
        offer = {"kind": "percent", "value": 20, "text": "20% OFF"}
        return Recognition("approve_campaign", None, 1.0, {"offer": offer})


def labelled(intent: str, **slots: object) -> Labelled:
    return Labelled(Utterance("words", NOW, "UTC"), intent, None, slots)


def test_counts_and_rates() -> None:
    truth = {"kind": "percent", "value": 25, "text": "20% off"}
    report = evaluate(
        AlwaysApproves(), [labelled("approve_campaign", offer=truth), labelled("clarify")]
    )
    assert (report.right, report.sentences, report.accuracy) == (1, 2, 0.5)
    assert report.dangerous["approve_campaign"] == 1
    assert report.confusions == [("clarify", "approve_campaign", 1)]
    assert (report.all_slots.right, report.all_slots.wrong, report.all_slots.missed) == (2, 4, 1)
    assert report.as_json()["intents"]["approve_campaign"]["precision"] == 0.5


def test_the_interval_is_wilsons() -> None:
    assert wilson(90, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_leaves_compare_moments_as_instants_and_words_without_case() -> None:
    london = list(leaves({"schedule": {"at": "2026-03-03T09:00:00+00:00"}, "tone": "Warm"}))
    berlin = list(leaves({"schedule": {"at": "2026-03-03T10:00:00+01:00"}, "tone": "warm"}))
    assert london == berlin
    assert list(leaves({"audience": {"tags": ["a", "b"]}})) == [
        ("audience.tags", "a"),
        ("audience.tags", "b"),
    ]

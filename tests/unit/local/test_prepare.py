"""The step that prepares the stores waits for those that are still starting."""

from __future__ import annotations

import pytest

from infra.local.prepare import NoAnswerError, patiently
from infra.local.processes import Probe


def answering_after(refusals: int) -> tuple[Probe, list[bool]]:
    """A probe that says no so many times first, and what it has said."""
    said: list[bool] = []

    async def probe() -> bool:
        said.append(len(said) >= refusals)
        return said[-1]

    return probe, said


def test_it_asks_until_the_store_answers() -> None:
    probe, said = answering_after(2)
    patiently({"kafka": probe})("kafka")
    assert said == [False, False, True]


def test_a_store_that_is_not_embedded_is_not_waited_for() -> None:
    probe, said = answering_after(2)
    patiently({"kafka": probe})("postgres")
    assert said == []


def test_a_store_that_never_answers_is_named() -> None:
    probe, _ = answering_after(1_000)
    with pytest.raises(NoAnswerError, match="kafka has not answered"):
        patiently({"kafka": probe}, patience=0.0)("kafka")

"""Every threat at every door is held by a test that exists, or accepted for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.security.threats import PAGE, STRIDE, Threat, problems, read

SOUND = read(PAGE.read_text())


def test_every_line_of_the_threat_model_names_its_test_or_its_accepted_risk() -> None:
    assert len(SOUND) > 50
    assert problems(SOUND) == []


@pytest.mark.parametrize(
    ("held_by", "said"),
    [
        ("`tests/unit/security/no_such.py::test_x`", "no file"),
        ("`tests/contract/security/test_threat_model.py::test_nobody_wrote`", "no test"),
        ("`tests/contract/security/test_threat_model.py`", "neither a test"),
        ("we will see", "neither a test"),
        ("accepted: fine", "without a reason"),
        ("", "neither a test"),
    ],
)
def test_a_threat_that_nothing_holds_is_found(held_by: str, said: str) -> None:
    found = problems([*SOUND, Threat("API", "S", "planted", held_by)])
    assert len(found) == 1
    assert said in found[0]


def test_a_test_that_is_always_skipped_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "t.py").write_text("@pytest.mark.skip('x')\ndef test_a(): ...\n")
    planted = Threat("API", "S", "planted", "`tests/t.py::test_a`")
    assert any("no test test_a" in each for each in problems([planted], tmp_path))


@pytest.mark.parametrize("letter", STRIDE)
def test_a_letter_that_is_left_out_at_a_door_is_found(letter: str) -> None:
    without = [each for each in SOUND if (each.door, each.letter) != ("Kafka", letter)]
    assert problems(without) == [f"Kafka: nothing about {letter}"]


def test_a_door_that_is_left_out_is_found() -> None:
    without = [each for each in SOUND if each.door != "Mails"]
    assert problems(without) == [f"Mails: nothing about {', '.join(STRIDE)}"]

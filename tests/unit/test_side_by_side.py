"""Two runs side by side: neither may fail, and no folder of tests is in none of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.side_by_side import BESIDE, FRONT, side_by_side

ROOT = Path(__file__).parents[2]


def ends(code: int, said: str = "") -> list[str]:
    return [sys.executable, "-c", f"print({said!r}); raise SystemExit({code})"]


@pytest.mark.parametrize(("front", "beside", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 2)])
def test_it_ends_well_when_both_do(front: int, beside: int, code: int) -> None:
    assert side_by_side(ends(front), ends(beside)) == code


def test_of_what_ran_beside_the_last_line_is_shown_and_of_a_failure_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    side_by_side(ends(0), ends(0, "first\nlast"))
    assert capsys.readouterr().out == "last\n"
    side_by_side(ends(0), ends(1, "first\nlast"))
    assert capsys.readouterr().out == "first\nlast\n"


def test_every_folder_of_tests_is_in_one_of_both() -> None:
    in_front = {Path(part) for part in FRONT if part.startswith("tests/")}
    left_out = {Path(part.partition("=")[2]) for part in BESIDE if part.startswith("--ignore=")}
    assert "tests" in BESIDE
    assert in_front == left_out - {Path("tests/benchmarks")}
    assert all((ROOT / folder).is_dir() for folder in left_out)
    assert not list((ROOT / "tests" / "benchmarks").rglob("test_*.py"))

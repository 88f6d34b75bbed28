"""What a run of chaos is refused for, and how its page is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from domain.shared.faults import FaultPoint
from infra.faults import Faults
from tests.chaos.orders import Conductor
from tests.chaos.plan import Plan
from tests.chaos.table import section, write
from tests.chaos.verdict import Verdict, shortfalls
from tests.support.comparing import Difference
from tests.support.truth import Differences

GOOD = Verdict(
    audience=100,
    outcomes=Counter(accepted=90, refused=2, withheld=5, held=3),
    twice=0,
    unrecorded=0,
    unfounded=0,
    once_ambiguous=Counter(accepted=20, held=3),
    held_listed=3,
    unanswered=0,
    answered_twice=0,
    answered=12,
    silent_claims=0,
    differences=Differences([], [], [], [], 1000),
    provider=Counter(delivered=80, opened=20),
    metrics=Counter(delivered=79, opened=20),
)
PLANTED = Difference("views.deliveries", "d1", "differs")


def conductor(folder: Path, kills: int, plan: Plan | None = None) -> Conductor:
    """One whose orders were carried out `kills` times at every point."""
    faults = Faults.of(folder)
    faults.prepare()
    for point in FaultPoint:
        for number in range(kills):
            (faults.met / f"{point}@{number}@1").touch()
    return Conductor(cast("Any", None), plan or Plan(1, "hold"), faults, lambda _: None)


def test_a_good_run_is_not_refused(tmp_path: Path) -> None:
    assert GOOD.wrong() == []
    assert shortfalls(conductor(tmp_path, 8)) == []


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ({"twice": 1}, "mailed twice: 1"),
        ({"outcomes": Counter(accepted=90, held=3, refused=6, ambiguous=1)}, "missing: 1"),
        ({"audience": 101}, "forgotten when the audience was expanded: 1"),
        ({"audience": 98}, "forgotten when the audience was expanded: 2"),
        ({"unrecorded": 2}, "accepted by the provider, not recorded: 2"),
        ({"unfounded": 1}, "recorded as accepted, unknown to the provider: 1"),
        ({"held_listed": 2}, "held, not listed: 1"),
        ({"unanswered": 1}, "turns without a reply: 1"),
        ({"answered_twice": 1}, "turns with two replies: 1"),
        ({"silent_claims": 1}, "claims above an unsubscribe: 1"),
        ({"differences": Differences([PLANTED], [], [], [], 1)}, "differences of the ledger: 1"),
        ({"differences": Differences([], [PLANTED], [], [], 1)}, "the read models: 1"),
        ({"differences": Differences([], [], [PLANTED], [], 1)}, "ClickHouse: 1"),
        ({"differences": Differences([], [], [], [PLANTED], 1)}, "Kafka: 1"),
        ({"metrics": Counter(delivered=81)}, "reactions made up: 1"),
    ],
)
def test_a_run_is_refused_for_each_thing_that_is_wrong(planted: dict[str, Any], told: str) -> None:
    (wrong,) = replace(GOOD, **planted).wrong()
    assert told in wrong


def test_a_run_with_too_few_kills_or_an_order_nobody_met_is_refused(tmp_path: Path) -> None:
    short = conductor(tmp_path, 7)
    assert shortfalls(short) == ["91 kills in all"]
    short.thawed[FaultPoint.SENDER_AFTER_CLAIM] += 1
    short.failures.append("nobody came")
    assert shortfalls(short) == ["sender-after-claim: 6 kills", "90 kills in all", "nobody came"]


def test_a_run_takes_the_place_of_an_earlier_one_of_the_same_name(tmp_path: Path) -> None:
    page = tmp_path / "chaos.md"
    for seed, minutes in ((2, 1.0), (1, 2.0), (2, 3.0)):
        run = conductor(tmp_path, 8, Plan(seed, "hold"))
        write(page, section(run, GOOD, minutes, [], 4))
    text = page.read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Seed 1, hold",
        "## Seed 2, hold",
    ]
    assert text.startswith("# Chaos")
    assert "3.0 minutes" in text
    assert "1.0 minutes" not in text
    assert "| sent twice | 0 |" in text
    assert "everything holds" in text

"""Orders at fault points: carried out once, at the right time, by nobody who was not asked."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.shared.faults import MEANINGS, FaultPoint, unarmed
from infra.cli.main import application
from infra.faults import ArmedReach, BadOrderError, Faults, Order, reach_of
from infra.reference.sources import ROOT
from infra.settings import load_settings

POINT = FaultPoint.SENDER_AFTER_CLAIM
CHILD = """
import sys
from pathlib import Path
from domain.shared.faults import FaultPoint
from infra.faults import ArmedReach, Faults
reach = ArmedReach(Faults.of(Path(sys.argv[1])))
for number in range(1, 6):
    print(number, flush=True)
    reach(FaultPoint.SENDER_BEFORE_CLAIM)
    reach(FaultPoint.SENDER_AFTER_CLAIM)
"""


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    made = Faults.of(tmp_path)
    made.prepare()
    return made


def child(folder: Path) -> subprocess.CompletedProcess[str]:
    """A process that reaches the point five times, and says so before each."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_process_kills_itself_at_the_third_time_and_only_once(faults: Faults) -> None:
    faults.arm(POINT, Order("kill", 3))

    first, second = child(faults.folder.parent), child(faults.folder.parent)

    assert (first.returncode, first.stdout.split()) == (-signal.SIGKILL, ["1", "2", "3"])
    assert (second.returncode, len(second.stdout.split())) == (0, 5)
    assert faults.carried_out() == {POINT: 1}
    assert faults.waiting() == {}


def test_a_process_without_orders_goes_on(faults: Faults) -> None:
    assert child(faults.folder.parent).returncode == 0


def test_an_order_can_be_replaced_and_taken_back(faults: Faults) -> None:
    faults.arm(POINT, Order("kill", 1))
    faults.arm(POINT, Order("stop", 2, 0.5))
    assert faults.waiting() == {POINT: Order("stop", 2, 0.5)}
    assert faults.disarm(POINT)
    assert not faults.disarm(POINT)
    assert child(faults.folder.parent).returncode == 0


@pytest.mark.parametrize("text", ["", "kill", "kill often", "burn 1", "kill 0", "stop 1 -2"])
def test_a_bad_order_is_refused(text: str) -> None:
    with pytest.raises(BadOrderError):
        Order.parse(text)


def test_only_the_embedded_stack_with_its_folder_is_armed(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    assert reach_of(settings) is unarmed
    Faults.of(tmp_path).prepare()
    assert isinstance(reach_of(settings), ArmedReach)
    elsewhere = load_settings(data_dir=tmp_path, postgres_url="postgresql://db.example/x")
    assert reach_of(elsewhere) is unarmed


def test_every_point_has_a_meaning_and_stands_in_the_code_once() -> None:
    places = Counter(
        name
        for folder in ("projections", "streams", "infra")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"reach\(FaultPoint\.(\w+)\)", file.read_text())
    )
    assert set(MEANINGS) == set(FaultPoint)
    assert places == dict.fromkeys(FaultPoint.__members__, 1)


def test_the_command_line_arms_lists_and_disarms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUDGE_DATA_DIR", str(tmp_path))

    def nudge(*arguments: str, code: int = 0) -> str:
        ran = CliRunner().invoke(application(["infra.cli.faults"]), ["faults", *arguments])
        assert ran.exit_code == code, ran.output
        return ran.output

    assert json.loads(nudge("list", "--json"))["armed"] is False
    assert "nudge down" in nudge("arm", POINT, "--nth", "2")
    assert json.loads(nudge("arm", POINT, "--json"))["restart_needed"] is False
    items = json.loads(nudge("list", "--json"))["items"]
    assert {each["point"]: each["order"] for each in items}[POINT] == "kill 1 0"
    assert "taken back" in nudge("disarm", POINT)
    nudge("arm", POINT, "--action", "burn", code=1)
    nudge("arm", "somewhere", code=2)
    monkeypatch.setenv("NUDGE_POSTGRES_URL", "postgresql://db.example/x")
    assert "refused" in nudge("arm", POINT, code=1)

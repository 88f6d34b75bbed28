"""`python -m tests.chaos --seed 1 --policy resend`: what `make chaos` runs."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from domain.delivery.decisions import Policy
from infra.reference.sources import ROOT
from tests.chaos.plan import Plan
from tests.chaos.run import run
from tests.chaos.table import section, write
from tests.chaos.verdict import shortfalls

PAGE = ROOT / "docs" / "chaos.md"


def main() -> None:
    """Run one plan, say what it does, write its section; exit code 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", choices=["resend", "hold"], default="resend")
    parser.add_argument("--kills", type=int, default=8, help="at every point")
    parser.add_argument("--freezes", type=int, default=1, help="of either length, at each")
    parser.add_argument("--deaths", type=int, default=2, help="of everything else")
    parser.add_argument("--minutes", type=float, default=16.0, help="for giving orders")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the table goes")
    given = parser.parse_args()
    plan = Plan(
        given.seed, cast("Policy", given.policy), given.kills, given.freezes, given.deaths,
        longest=given.minutes * 60,
    )  # fmt: skip
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} {text}\n")
        sys.stdout.flush()

    folder = Path(tempfile.mkdtemp(prefix="nudge-chaos-"))
    conductor, load, verdict = run(plan, folder, say)
    wrong = [*verdict.wrong(), *shortfalls(conductor)]
    minutes = (time.monotonic() - began) / 60
    text = section(conductor, verdict, minutes, wrong, len(load.campaigns))
    sys.stdout.write(f"\n{text}\n")
    write(given.page, text)
    if wrong:
        for difference in verdict.differences.all:
            say(f"{difference.place} {difference.key}: {difference.problem}")
        sys.exit(f"the data folder is kept: NUDGE_DATA_DIR={folder / 'data'}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()

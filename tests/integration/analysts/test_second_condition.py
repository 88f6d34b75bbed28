"""The engine's own condition holds by itself, were a table ever missed by ours.

The engine is one for each process, so a process of its own asks it.
"""
# ruff: noqa: S608 - the statements are these tests' own

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from infra.local.clickhouse.analysts.planning import filters
from infra.local.clickhouse.engine import Call, Engine
from projections.clickhouse.migrate import FOLDER, statements

MINE, THEIRS = UUID(int=0xA), UUID(int=0xB)
COUNTED = {
    "a table": "SELECT count() FROM nudge.events",
    "an unqualified table": "SELECT count() FROM turns AS events",
    "another table": "SELECT count() FROM nudge.deliveries AS d WHERE 1",
    "right of IN": "SELECT length(arrayFilter(n -> n IN (SELECT position FROM events), [1, 2]))",
    "a join": "SELECT count() FROM events AS a JOIN events AS b USING (position)",
    "a view": "SELECT count() FROM delivery_states",
    "a view of a view": "SELECT sum(intended) FROM campaign_metrics",
    "a view of events": "SELECT count() FROM reply_times",
    "a union": "SELECT sum(n) FROM (SELECT 0 AS n UNION ALL SELECT count() FROM events)",
}  # fmt: skip


def rows(position: int, organization: UUID) -> list[str]:
    """One row in every table."""
    of = f"{position}, '{organization}'"
    return [
        f"INSERT INTO events (position, organization_id, type) VALUES ({of}, 'ReplyGiven')",
        f"INSERT INTO turns (position, organization_id) VALUES ({of})",
        f"INSERT INTO deliveries (position, organization_id, event) VALUES ({of}, 'intended')",
    ]


def counts(folder: Path) -> dict[str, list[int]]:
    """What each question answers without and with the condition. For a process of its own."""
    engine = Engine(folder)
    made = [each for path in sorted(FOLDER.glob("*.sql")) for each in statements(path.read_text())]
    for statement in (*made, *rows(1, MINE), *rows(2, THEIRS)):
        engine.run(Call(statement, "TSV"))
    bound = {"additional_table_filters": filters(MINE)}
    return {
        what: [int(engine.run(Call(sql, "TSV", settings=each)).body) for each in ({}, bound)]
        for what, sql in COUNTED.items()
    }


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    folder = tmp_path_factory.mktemp("engine") / "clickhouse"
    asked = subprocess.run(
        [sys.executable, "-m", __name__, str(folder)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, list[int]] = json.loads(asked.stdout)
    return found


@pytest.mark.parametrize("what", sorted(COUNTED))
def test_the_engine_leaves_others_rows_out(counted: dict[str, list[int]], what: str) -> None:
    assert counted[what] == [2, 1]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(counts(Path(sys.argv[1]).resolve())))

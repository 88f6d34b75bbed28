"""What is meant for a real server: read by the engine's own parser, and saying the same."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from infra.analyst_users import Admitted, user_statements
from infra.local.clickhouse.analysts.catalogue import LIMITS
from infra.local.clickhouse.analysts.tables import OPEN, STORED, TABLES, VIEWS
from projections.clickhouse.migrate import statements
from tests.integration.analysts.conftest import Analytics

FOLDER = Path(__file__).parents[3] / "infra" / "deploy" / "clickhouse"
FILE = (FOLDER / "0001_analysts.sql").read_text()
SHARED = (
    "max_execution_time", "max_memory_usage", "max_rows_to_read", "max_bytes_to_read",
    "max_result_rows", "max_result_bytes", "readonly", "allow_ddl",
)  # fmt: skip


def parses(analytics: Analytics, statement: str) -> bool:
    escaped = statement.replace("\\", "\\\\").replace("\n", "\\n")
    answer = analytics.operator("SELECT formatQuery({q:String})", param_q=escaped)
    return answer.status_code == 200


def test_every_statement_is_one_for_the_engines_parser(analytics: Analytics) -> None:
    users = user_statements([Admitted(UUID(int=1), UUID(int=2), b"\x00" * 32)], [UUID(int=3)])
    for statement in (*statements(FILE), *users):
        assert parses(analytics, statement), statement
    assert len(users) == 4


@pytest.mark.parametrize("broken", ["CREATE ROW POLICE x ON y", "GRANT TO x"])
def test_a_broken_statement_is_found(analytics: Analytics, broken: str) -> None:
    assert not parses(analytics, broken)


def test_the_role_reads_what_the_door_shows_and_policies_bind_every_stored_table() -> None:
    granted = {
        line.split()[3].removeprefix("nudge.")
        for line in FILE.splitlines()
        if line.startswith("GRANT SELECT")
    }
    assert granted == {*TABLES, *OPEN}
    listed = ", ".join(f"nudge.{name}" for name in STORED)
    assert FILE.count(f"ON {listed}") == 2
    for view in VIEWS:
        assert f"ALTER TABLE nudge.{view} MODIFY SQL SECURITY INVOKER;" in FILE


@pytest.mark.parametrize("name", SHARED)
def test_the_limits_are_the_doors(name: str) -> None:
    assert f"{name} = {LIMITS[name]}" in FILE

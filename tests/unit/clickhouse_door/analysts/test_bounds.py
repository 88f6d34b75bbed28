"""Statements that would take long to read are given up, whatever they are made of."""

# ruff: noqa: S608 - the statements are these tests' own

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from infra.local.clickhouse.analysts import dialect
from infra.local.clickhouse.analysts.dialect import TooInvolvedError, read
from infra.local.clickhouse.analysts.planning import Asked, plan
from infra.local.clickhouse.errors import ClickHouseError

MINE = UUID("aaaaaaaa-0000-4000-8000-000000000001")
NESTS: list[Callable[[int], str]] = [
    lambda n: "SELECT " + "(" * n + "1" + ")" * n,
    lambda n: "SELECT " + "abs(" * n + "1" + ")" * n,
    lambda n: "SELECT " + "arrayMap(x -> " * n + "1" + ", [1])" * n,
    lambda n: "SELECT " + "[" * n + "1" + "]" * n,
    lambda n: "SELECT " + "CASE WHEN " * n + "1" + " THEN 1 END" * n,
    lambda n: "SELECT * FROM " + "(SELECT * FROM " * n + "events" + ")" * n,
    lambda n: "SELECT 1 WHERE 1 IN " + "(SELECT 1 WHERE 1 IN " * n + "(1)" + ")" * n,
    lambda n: "WITH x AS (" * n + "SELECT 1" + ") SELECT * FROM x" * n,
    lambda n: "SELECT 1 FROM events LIMIT " + "(SELECT 1 FROM events LIMIT " * n + "1" + ")" * n,
    lambda n: "SELECT " + "{a:" * n + "UInt8" + "}" * n,
]


@pytest.mark.parametrize("nest", NESTS)
@pytest.mark.parametrize("depth", [30, 500, 5_000])
def test_what_is_nested_too_deep_is_refused(nest: Callable[[int], str], depth: int) -> None:
    with pytest.raises(ClickHouseError) as refused:
        plan(Asked(nest(depth)), MINE)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "NOT " * 3_900 + "1",
        "SELECT " + "- " * 3_900 + "1",
        "SELECT [1]" + "[1]" * 900,
        "SELECT 1 IN (" + "1," * 2_100 + "1)",
        "SELECT '" + "x" * 100_000 + "'",
    ],
)
def test_what_is_too_long_is_refused(sql: str) -> None:
    with pytest.raises(ClickHouseError) as refused:
        plan(Asked(sql), MINE)
    assert refused.value.status == 400


DOUBLED = ", ".join(f"a{n} AS (SELECT 1 FROM a{n - 1} AS l, a{n - 1} AS r)" for n in range(1, 9))


@pytest.mark.parametrize(
    "sql",
    [
        f"WITH a0 AS (SELECT 1 FROM events), {DOUBLED} SELECT 1 FROM a8",
        f"WITH a0 AS (SELECT 1), {DOUBLED} SELECT 1 FROM a8",
        f"WITH a0 AS (SELECT 1 FROM events), {DOUBLED} SELECT (SELECT count() FROM a8)",
        f"WITH a0 AS (SELECT 1 FROM turns), {DOUBLED}, (SELECT count() FROM a8) AS n SELECT n",
        "SELECT 1 FROM " + ", ".join(f"campaign_metrics AS c{n}" for n in range(33)),
        " UNION ALL ".join(["SELECT count() FROM campaign_metrics"] * 33),
    ],
)
def test_what_would_read_more_tables_than_it_seems_is_refused(sql: str) -> None:
    with pytest.raises(ClickHouseError, match="at most 32 tables"):
        plan(Asked(sql), MINE)


def test_a_name_used_often_but_not_in_itself_is_read() -> None:
    uses = " UNION ALL ".join(["SELECT * FROM a"] * 32)
    assert "with a" in plan(Asked(f"WITH a AS (SELECT 1 FROM events) {uses}"), MINE).sql


def test_a_statement_of_some_size_is_read() -> None:
    numbers = ", ".join(map(str, range(1_500)))
    assert "1499" in plan(Asked(f"SELECT 1 IN ({numbers})"), MINE).sql


def test_reading_gives_up_when_the_parser_goes_to_and_fro(monkeypatch: pytest.MonkeyPatch) -> None:
    """Must fail: with no steps for each token, any longer statement is too involved."""
    monkeypatch.setattr(dialect, "_STEPS_PER_TOKEN", 0)
    with pytest.raises(TooInvolvedError):
        read("SELECT " + "1 + " * 1_000 + "1")

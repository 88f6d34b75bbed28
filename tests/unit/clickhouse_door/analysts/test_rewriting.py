"""Every table of every branch becomes the organization's own, and nothing else changes."""

# ruff: noqa: E501, S608 - the statements are these tests' own, one a line

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.clickhouse.analysts.functions import LISTED, is_allowed
from infra.local.clickhouse.analysts.planning import Asked, plan
from infra.local.clickhouse.analysts.tables import STORED, TABLES, VIEWS
from infra.local.clickhouse.analysts.writing import look_at
from infra.local.clickhouse.errors import ClickHouseError

MINE = UUID("aaaaaaaa-0000-4000-8000-000000000001")
THEIRS = UUID("bbbbbbbb-0000-4000-8000-000000000002")
CONDITION = f"PREWHERE \"organization_id\" = '{MINE}'"


def text(sql: str) -> str:
    return plan(Asked(sql), MINE).sql


@pytest.mark.parametrize("table", sorted(STORED))
@pytest.mark.parametrize("name", ["{}", "nudge.{}", '"nudge"."{}"', "`{}` AS t"])
def test_a_table_becomes_its_own_rows(table: str, name: str) -> None:
    written = text(f"SELECT position FROM {name.format(table)}")
    assert written.count(f'"nudge"."{table}" {CONDITION}') == 1
    assert len(re.findall(r'"nudge"\.', written)) == 1


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_becomes_its_definition_over_own_rows(view: str) -> None:
    written = text(f"SELECT * FROM {view}")
    tables = re.findall(
        r'FROM "nudge"\."(\w+)"( PREWHERE "organization_id" = \'[^\']+\')?', written
    )
    assert tables
    assert f'"nudge"."{view}"' not in written
    for table, condition in tables:
        assert table == "progress_reports" or condition == f" {CONDITION}"


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1 FROM events UNION ALL SELECT 1 FROM turns UNION DISTINCT SELECT 2 FROM events", 3),
        ("SELECT 1 FROM events, deliveries AS d, turns t", 3),
        ("SELECT 1 FROM events LEFT ANY JOIN deliveries USING (position)", 2),
        ("SELECT 1 FROM events WHERE position IN (SELECT position FROM turns)", 2),
        ("SELECT 1 FROM events WHERE position GLOBAL NOT IN (SELECT position FROM turns)", 2),
        ("SELECT (SELECT max(position) FROM events), EXISTS(SELECT 1 FROM turns)", 2),
        ("WITH x AS (SELECT * FROM events) SELECT * FROM x AS a JOIN x AS b USING (position)", 1),
        ("WITH events AS (SELECT * FROM events) SELECT * FROM events", 1),
        ("WITH events AS (SELECT * FROM turns) SELECT * FROM events, nudge.events", 2),
        ("WITH x AS (WITH y AS (SELECT * FROM turns) SELECT * FROM y, events) SELECT * FROM x", 2),
        ("WITH x AS (SELECT 1) SELECT * FROM (WITH x AS (SELECT * FROM events) SELECT * FROM x)", 1),
        ("WITH (SELECT max(position) FROM events) AS events SELECT events, 1 FROM events", 2),
        ("SELECT 1 FROM events HAVING count() > (SELECT count() FROM deliveries)", 2),
        ("SELECT arrayMap(x -> x + (SELECT count() FROM events), [1])", 1),
        ("SELECT 1 ORDER BY (SELECT count() FROM events)", 1),
        ("SELECT 1 FROM (SELECT 1 EXCEPT SELECT position FROM events INTERSECT SELECT 2)", 1),
        ("SELECT position AS organization_id FROM events WHERE organization_id = 3", 1),
        ("SELECT * REPLACE (toUUID('') AS organization_id) FROM events", 1),
        ("FROM events SELECT 1", 1),
        ("(SELECT 1 FROM events) UNION ALL (SELECT 2 FROM turns)", 2),
        ("SELECT 1 /* FROM turns */ FROM events -- , deliveries", 1),
        ("SELECT 'FROM nudge.turns' FROM events WHERE data = '\\' UNION SELECT 1 FROM turns'", 1),
        ("SELECT e.position FROM events AS e ARRAY JOIN [1, 2] AS n", 1),
    ],
)  # fmt: skip
def test_every_branch_is_bound(sql: str, tables: int) -> None:
    written = text(sql)
    assert written.count(CONDITION) == tables
    found = re.findall(r'(?:FROM|JOIN) "nudge"\."\w+" PREWHERE', written)
    assert len(found) == len(re.findall(r'"nudge"', written)) == tables


@pytest.mark.parametrize(
    "body",
    ["toString(x)", "abs(abs(x))", "[x]", "CASE WHEN x THEN x END", "x::UInt8", "if(x > 1, x, 0)"],
)
def test_names_of_lambdas_are_quoted_wherever_they_stand(body: str) -> None:
    written = text(f"SELECT arrayMap(x -> {body}, [1])")
    assert not re.search(r'(?<!")\bx\b(?!")', written)


def test_a_name_given_by_with_can_be_no_table() -> None:
    written = text("WITH events AS (SELECT 1 AS a) SELECT events.a FROM events")
    assert 'FROM "with events" AS "events"' in written
    assert '"nudge"' not in written


def test_the_format_is_taken_off_and_passed_on() -> None:
    call = plan(Asked("SELECT 1\n FORMAT Native;", default_format="CSV"), MINE)
    assert (call.sql, call.format) == ("SELECT 1", "Native")
    assert plan(Asked("SELECT 1", default_format="CSV"), MINE).format == "CSV"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SHOW TABLES", "delivery_states"),
        ("SHOW TABLES FROM nudge", "delivery_states"),
        ("DESCRIBE TABLE nudge.events FORMAT Native", "stream_version"),
        ("DESC turns", "processing_ms"),
        ("SHOW DATABASES", "'nudge'"),
        ("EXISTS TABLE nudge.events", "1"),
        ("SELECT name, value FROM system.settings WHERE name = 'readonly'", "max_execution_time"),
        ("SELECT name FROM system.tables WHERE database = 'nudge'", "campaign_metrics"),
        ("SELECT name, type FROM system.columns WHERE table = 'events'", "LowCardinality(String)"),
    ],
)
def test_what_drivers_ask_is_answered_without_a_table(sql: str, told: str) -> None:
    written = text(sql)
    assert told in written
    assert '"nudge"' not in written
    assert '"system"' not in written


WORDS = {"cast", "exists", "grouping", "and", "or", "not", "xor", "like", "ilike"}
"""Those that are also words of the language, and are written as such."""


@pytest.mark.parametrize("name", [name for name in LISTED if name not in WORDS])
def test_a_listed_function_reaches_the_engine_by_its_name(name: str) -> None:
    assert f"{name}(" in text(f"SELECT {name}(position) FROM events")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("sumIf", True), ("quantilesExactIf", True), ("uniqExactArrayIf", True),
        ("sumDistinctOrNullIf", False), ("fileIf", False), ("sumState", False),
        ("sumMergeIf", False), ("dictGet", False), ("If", True), ("If" * 3, False),
    ],
)  # fmt: skip
def test_combinators_make_no_function_of_anything_else(name: str, allowed: bool) -> None:
    assert is_allowed(name) is allowed


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_literal_stays_one_literal(value: str) -> None:
    literal = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    written = text(f"SELECT data = {literal} FROM events")
    assert written.count(CONDITION) == 1
    assert written.endswith(f'"events" {CONDITION}) AS "events"')


HOLES = [
    'SELECT * FROM "nudge"."events"',
    'SELECT * FROM "events"',
    'SELECT * FROM "nudge"."events" WHERE "organization_id" = \'{mine}\'',
    'SELECT * FROM "nudge"."events" PREWHERE "organization_id" = \'{theirs}\'',
    'SELECT * FROM "nudge"."events" PREWHERE "organization_id" <> \'{mine}\'',
    'SELECT * FROM "nudge"."events" PREWHERE "topic" = \'{mine}\'',
    'SELECT 1 FROM (SELECT 1 FROM "nudge"."events" PREWHERE "organization_id" = \'{mine}\' OR 1)',
    'SELECT 1 FROM (SELECT 1) CROSS JOIN "nudge"."turns"',
    'SELECT 1 IN "events"',
    'SELECT 1 IN ("events")',
    'SELECT 1 IN (("nudge"."events"))',
    "SELECT * FROM merge('nudge', 'events')",
    "SELECT file('x')",
    "SELECT \"file\"('x')",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 INTO OUTFILE 'x'",
    "SELECT 1; SELECT 2",
    "SELECT {a: Identifier}",
    'SELECT * FROM "system"."parts"',
    "INSERT INTO x SELECT 1",
]


@pytest.mark.parametrize("hole", HOLES)
def test_the_last_look_finds_a_planted_hole(hole: str) -> None:
    """Must fail: texts as a rewriting with a hole in it would write them."""
    with pytest.raises(ClickHouseError):
        look_at(
            hole.format(mine=MINE, theirs=THEIRS)
            if "{mine}" in hole or "{theirs}" in hole
            else hole,
            MINE,
        )


def test_tables_are_told_apart_from_views() -> None:
    assert set(STORED) | set(VIEWS) == set(TABLES)
    assert all("organization_id" in columns for columns in STORED.values())

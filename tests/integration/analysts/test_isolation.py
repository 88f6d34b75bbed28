"""An analyst finds the rows of one organization, and no trace of any other."""
# ruff: noqa: S608 - the statements are these tests' own

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from infra.local.clickhouse.analysts.tables import STORED, TABLES
from projections.clickhouse.connect import connect
from tests.integration.analysts.conftest import Analytics
from tests.integration.analysts.rows import insert, rows_of
from tests.integration.clickhouse_door.conftest import PASSWORD
from tests.unit.clickhouse_door.analysts.attacks import REFUSED

PARAMS = {"param_t": "events", "param_d": "nudge"}
OWNED = sorted(name for name, columns in TABLES.items() if "organization_id" in columns)


@pytest.mark.parametrize("table", OWNED)
def test_every_table_shows_one_organization(analytics: Analytics, table: str) -> None:
    asked = f"SELECT DISTINCT toString(organization_id) FROM {table}"
    seen = analytics.ask(asked)
    all_of_them = analytics.operator(asked).text.split()
    assert (seen.status_code, seen.text.split()) == (200, [str(analytics.mine)])
    assert set(all_of_them) >= {str(analytics.mine), str(analytics.theirs)}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_columns_listed_are_the_engines(analytics: Analytics, table: str) -> None:
    sql = f"DESCRIBE TABLE nudge.{table} FORMAT JSONEachRow"
    told, real = analytics.ask(sql), analytics.operator(sql)
    shown = [[(row["name"], row["type"]) for row in map(json.loads, answer.text.splitlines())]
             for answer in (told, real)]  # fmt: skip
    assert sorted(shown[0]) == sorted(shown[1])
    assert shown[0] == list(TABLES[table].items())


@pytest.mark.parametrize("sql", REFUSED)
def test_an_attack_is_refused_at_the_door(analytics: Analytics, sql: str) -> None:
    answer = analytics.ask(sql, params=PARAMS) if sql.strip() else None
    if answer is not None:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["X-ClickHouse-Exception-Code"] in {"497", "62", "60"}, answer.text
        assert "theirs" not in answer.text


@pytest.mark.parametrize(
    "params",
    [
        {"readonly": "0"},
        {"additional_table_filters": "{}"},
        {"max_rows_to_read": "0"},
        {"database": "default"} | {"readonly": "0"},
        {"database": "system"},
        {"database": "other"},
        {"default_format": "Template"},
        {"compress": "1"},
        {"query": "DROP TABLE nudge.events --"},
        {"query": "INSERT INTO nudge.events SELECT * FROM nudge.events UNION ALL"},
    ],
)
def test_nothing_is_turned_off_by_parameters_of_the_request(
    analytics: Analytics, params: dict[str, str]
) -> None:
    answer = analytics.ask("SELECT data FROM nudge.events", params=params)
    assert answer.status_code in {400, 403, 501}, answer.text
    assert "theirs" not in answer.text


def test_a_header_cannot_choose_another_database(analytics: Analytics) -> None:
    for header, value in (("X-ClickHouse-Database", "system"), ("X-ClickHouse-Format", "Template")):
        answer = analytics.ask("SELECT data FROM events", headers={header: value})
        assert answer.status_code == 403


@pytest.mark.parametrize("table", OWNED)
def test_a_condition_is_never_put_to_others_rows(analytics: Analytics, table: str) -> None:
    """It fails on any row that is not mine, whatever the optimizer does with it."""
    mine = f"intDiv(1, organization_id = toUUID('{analytics.mine}'))"
    for asked in (
        f"SELECT count() FROM {table} WHERE {mine} = 1",
        f"SELECT countIf({mine} = 1) FROM {table}",
        f"SELECT count() FROM (SELECT {mine} AS n FROM {table}) WHERE n = 1",
        f"SELECT count() FROM {table} AS a JOIN (SELECT {mine} AS n FROM {table}) AS b ON n = 1",
        f"SELECT 1 FROM {table} GROUP BY {mine}",
        f"SELECT 1 FROM {table} ORDER BY {mine} LIMIT 1",
    ):
        answer = analytics.ask(asked)
        assert answer.status_code == 200, answer.text


def test_others_texts_do_not_show_in_errors(analytics: Analytics) -> None:
    numbers = analytics.ask("SELECT count() FROM events WHERE toUInt64(data) > 0")
    assert (numbers.status_code, numbers.text) == (200, "6\n")


def test_with_a_plain_condition_they_would(analytics: Analytics) -> None:
    """Must fail: this is why the condition is a PREWHERE."""
    rows = f"(SELECT * FROM nudge.events WHERE organization_id = '{analytics.mine}')"
    leaking = analytics.operator(f"SELECT count() FROM {rows} WHERE toUInt64(data) > 0")
    assert leaking.status_code == 400
    assert "theirs" in leaking.text


def test_an_answer_is_the_same_whatever_others_have(analytics: Analytics) -> None:
    asked = [
        *(f"SELECT * FROM {table} ORDER BY ALL FORMAT JSON" for table in OWNED),
        "SELECT count(), max(position) FROM events FORMAT JSONCompact",
        "SELECT type, count() FROM events GROUP BY type WITH TOTALS ORDER BY type FORMAT XML",
        "SELECT position FROM events WHERE data = '7' ORDER BY position LIMIT 2 FORMAT JSON",
    ]
    asked = [sql.replace("ORDER BY ALL", "ORDER BY tuple(*)") for sql in asked]
    before = [told(analytics.ask(sql)) for sql in asked]
    client = connect(analytics.server.url, "nudge", PASSWORD)
    insert(client, rows_of(uuid4(), 5_000, "somebody else's"))
    client.close()
    assert [told(analytics.ask(sql)) for sql in asked] == before


def told(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """Everything an answer says, but for how long it took and its random id."""
    assert answer.status_code == 200, answer.text
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    return answer.text, {name: value for name, value in summary.items() if name != "elapsed_ns"}


@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        ("SELECT n FROM (SELECT arrayJoin(range(900000)) AS n) WHERE n != 3", {"396"}),
        (
            "SELECT groupArray(repeat(data, 900000)) FROM events ARRAY JOIN range(1000) AS n",
            {"241"},
        ),
        ("SELECT nope FROM events", {"47"}),
    ],
)
def test_memory_and_rows_are_limited(analytics: Analytics, sql: str, codes: set[str]) -> None:
    answer = analytics.ask(sql)
    assert answer.headers["X-ClickHouse-Exception-Code"] in codes, answer.text[:300]


def test_nothing_was_changed_by_any_of_this(analytics: Analytics) -> None:
    tables = analytics.operator("SHOW TABLES FROM nudge").text.split()
    assert set(tables) == {*TABLES, "progress_reports", "schema_versions"}
    for table in STORED:
        mine = analytics.ask(f"SELECT count() FROM {table}").text
        assert mine == f"{len(analytics.rows[analytics.mine][table][1])}\n"

"""What analysts may not send is refused, and they are told what they may."""

from __future__ import annotations

from uuid import UUID

import pytest

from infra.local.clickhouse.analysts.catalogue import LIMITS
from infra.local.clickhouse.analysts.planning import Asked, plan
from infra.local.clickhouse.errors import ClickHouseError
from tests.unit.clickhouse_door.analysts.attacks import REFUSED

MINE = UUID("aaaaaaaa-0000-4000-8000-000000000001")
PARAMS = {"t": "events", "d": "nudge"}


def refusal_of(asked: Asked) -> ClickHouseError:
    with pytest.raises(ClickHouseError) as refused:
        plan(asked, MINE)
    return refused.value


@pytest.mark.parametrize("sql", REFUSED)
def test_an_attack_is_refused(sql: str) -> None:
    error = refusal_of(Asked(sql, params=PARAMS))
    assert error.name in {"ACCESS_DENIED", "SYNTAX_ERROR", "UNKNOWN_TABLE"}
    assert 400 <= error.status < 500


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE events", "one SELECT over the tables that SHOW TABLES lists"),
        ("SELECT * FROM system.parts", "system.settings, system.tables"),
        ("SELECT * FROM secrets", "nudge.delivery_states, nudge.events"),
        ("SELECT file('x')", "functions that only compute from their arguments"),
        ("SELECT 1 FORMAT Template", "CSVWithNames"),
        ("SELECT 1 WHERE 1 IN events", "IN (SELECT ... FROM ...)"),
        ("SELECT {t:Identifier}", "{id:UUID}"),
        ("SELECT * FROM", "line 1, column"),
    ],
)
def test_a_refusal_says_what_is_allowed(sql: str, told: str) -> None:
    assert told in refusal_of(Asked(sql)).message


@pytest.mark.parametrize(
    "name",
    [
        "readonly", "max_threads", "additional_table_filters", "max_execution_time",
        "param_x; DROP", "allow_ddl", "format_schema", "output_format_write_statistics",
        "dialect", "database_atomic_wait_for_drop_and_detach_synchronously",
        "optimize_move_to_prewhere", "output_format_schema",
    ],
)  # fmt: skip
def test_no_setting_of_substance_may_come_with_the_request(name: str) -> None:
    error = refusal_of(Asked("SELECT 1", settings={name: "1"}))
    assert name in error.message
    assert "output_format_json_quote_64bit_integers" in error.message


def test_how_values_are_spelt_may_be_set_and_the_limits_still_hold() -> None:
    spelt = {"output_format_json_quote_64bit_integers": "1", "max_block_size": "1"}
    settings = plan(Asked("SELECT 1", settings=spelt), MINE).settings
    assert settings["output_format_json_quote_64bit_integers"] == "1"
    assert "max_block_size" not in settings
    assert settings.items() >= LIMITS.items()
    assert LIMITS["readonly"] == "1"
    assert str(MINE) in settings["additional_table_filters"]

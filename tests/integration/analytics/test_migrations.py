"""Migrations run once, in order, and may be repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import FOLDER, MigrationError, migrate, statements


def tables(client: Client) -> set[str]:
    return {row[0] for row in client.query("SHOW TABLES").result_rows}


def test_a_fresh_database_gets_everything_once(empty_clickhouse: Client) -> None:
    assert migrate(empty_clickhouse) == sorted(path.name for path in FOLDER.glob("*.sql"))
    assert {"events", "turns", "deliveries", "progress"} <= tables(empty_clickhouse)
    assert migrate(empty_clickhouse) == []


def test_a_file_that_was_cut_off_by_a_crash_runs_again(empty_clickhouse: Client) -> None:
    for statement in statements((FOLDER / "0001_tables.sql").read_text())[:2]:
        empty_clickhouse.command(statement)
    assert "0001_tables.sql" in migrate(empty_clickhouse)
    assert "deliveries" in tables(empty_clickhouse)


def test_a_new_file_runs_after_the_old_ones(empty_clickhouse: Client, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("CREATE VIEW a AS SELECT 1 AS one;\n")
    assert migrate(empty_clickhouse, tmp_path) == ["0001_first.sql"]
    (tmp_path / "0002_second.sql").write_text("-- after a\nCREATE VIEW b AS SELECT one FROM a;\n")
    assert migrate(empty_clickhouse, tmp_path) == ["0002_second.sql"]
    assert {"a", "b"} <= tables(empty_clickhouse)


@pytest.mark.parametrize("name", ["0001_again.sql", "second.sql", "2_two.sql"])
def test_a_misnamed_file_or_a_number_used_twice_stops_it(
    empty_clickhouse: Client, tmp_path: Path, name: str
) -> None:
    (tmp_path / "0001_first.sql").write_text("CREATE VIEW a AS SELECT 1 AS one;\n")
    (tmp_path / name).write_text("CREATE VIEW b AS SELECT 1 AS one;\n")
    with pytest.raises(MigrationError, match=r"\.sql"):
        migrate(empty_clickhouse, tmp_path)
    assert "a" not in tables(empty_clickhouse)


def test_a_database_name_that_is_no_plain_name_is_refused_before_connecting() -> None:
    with pytest.raises(ValueError, match="plain"):
        connect("http://127.0.0.1:1", "u", "p", database="x; DROP DATABASE nudge")

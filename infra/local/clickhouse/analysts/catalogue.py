"""What drivers and tools ask a server about itself, answered for analysts from the allow-list.

The engine's own `system` tables are never read: each name that is known here stands for constant
rows, so that any query over them works and shows analysts' tables and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from infra.local.clickhouse.analysts.tables import STORED, TABLES
from infra.local.clickhouse.engine import quoted
from infra.local.clickhouse.errors import UNKNOWN_TABLE, ClickHouseError
from infra.local.clickhouse.lexer import Kind, Token
from projections.clickhouse.connect import DATABASE

Value = str | int
Rows = list[tuple[Value, ...]]
LIMITS: Final[Mapping[str, str]] = {
    "readonly": "1",
    "max_execution_time": "15",
    "timeout_before_checking_execution_speed": "0",
    "max_memory_usage": "150000000",
    "max_rows_to_read": "50000000",
    "max_bytes_to_read": "4000000000",
    "max_result_rows": "500000",
    "max_result_bytes": "64000000",
    "max_rows_in_join": "5000000",
    "max_bytes_in_join": "100000000",
    "max_rows_in_set": "5000000",
    "max_rows_to_group_by": "5000000",
    "max_temporary_data_on_disk_size_for_query": "500000000",
    "max_threads": "1",
    "max_query_size": "1000000",
    "max_subquery_depth": "100",
    "max_expanded_ast_elements": "100000",
    "optimize_move_to_prewhere": "0",
    # How many rows were read tells of others' rows beside one's own.
    "output_format_write_statistics": "0",
    "allow_ddl": "0",
    "allow_introspection_functions": "0",
}
"""What a statement of an analyst runs under; `readonly` 1 so that it cannot change any of it."""


def _databases() -> Rows:
    return [(DATABASE, "Atomic", "")]


def _tables() -> Rows:
    return [
        (DATABASE, name, "MergeTree" if name in STORED else "View", "", 0, "")
        for name in sorted(TABLES)
    ]


def _columns() -> Rows:
    return [
        (DATABASE, table, name, kind, place, "", "", "")
        for table, columns in sorted(TABLES.items())
        for place, (name, kind) in enumerate(columns.items(), 1)
    ]


def _settings() -> Rows:
    return [(name, value, "Set for analysts.", 0, 1) for name, value in LIMITS.items()]


_CATALOGUE: Final[Mapping[str, tuple[Sequence[str], Callable[[], Rows]]]] = {
    "one": (("dummy",), lambda: [(0,)]),
    "databases": (("name", "engine", "comment"), _databases),
    "tables": (("database", "name", "engine", "engine_full", "is_temporary", "comment"), _tables),
    "columns": (
        (
            "database", "table", "name", "type", "position", "default_kind",
            "default_expression", "comment",
        ),
        _columns,
    ),
    "settings": (("name", "value", "description", "changed", "readonly"), _settings),
}  # fmt: skip


@cache
def catalogue_query(name: str) -> str:
    """A query of constant rows that stands for `system.<name>`. Raises ClickHouseError."""
    if name not in _CATALOGUE:
        known = ", ".join(f"system.{each}" for each in sorted(_CATALOGUE))
        raise ClickHouseError(
            UNKNOWN_TABLE, f"Unknown table `system.{name[:60]}`. This door answers {known}."
        )
    columns, rows = _CATALOGUE[name]
    shown = ", ".join(
        f'tupleElement("r", {place}) AS "{column}"' for place, column in enumerate(columns, 1)
    )
    tuples = ", ".join(f"tuple({', '.join(map(_literal, row))})" for row in rows())
    return f'SELECT {shown} FROM (SELECT arrayJoin([{tuples}]) AS "r") AS "rows"'  # noqa: S608


def _literal(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def spoken_for(tokens: Sequence[Token]) -> str | None:
    """The query that answers SHOW TABLES, SHOW DATABASES, DESCRIBE and EXISTS; None for others."""
    words = [token.text if token.is_name else "" for token in tokens]
    match [word.upper() for word in words]:
        case ["SHOW", "DATABASES"]:
            return "SELECT name FROM system.databases"
        case ["SHOW", "TABLES"] | ["SHOW", "TABLES", "FROM" | "IN", _]:
            database = words[3] if len(words) > 2 else DATABASE
            return f"SELECT name FROM system.tables WHERE database = '{_plain(database)}'"  # noqa: S608
        case ["DESCRIBE" | "DESC" | "EXISTS", *rest]:
            table = _table_of(words[2:] if rest[:1] == ["TABLE"] else words[1:], tokens)
            return _about(words[0].upper(), table) if table else None
    return None


def _table_of(words: Sequence[str], tokens: Sequence[Token]) -> str | None:
    match words:
        case [name] if name:
            return name
        case [database, "", name] if tokens[-2].text == "." and tokens[-2].kind is Kind.PUNCT:
            return name if database == DATABASE else None
    return None


def _about(verb: str, table: str) -> str:
    if verb == "EXISTS":
        return f"SELECT {int(table in TABLES)} AS result"
    if table not in TABLES:
        raise ClickHouseError(
            UNKNOWN_TABLE, f"Unknown table `{table[:60]}`. SHOW TABLES lists what there is."
        )
    return (
        "SELECT name, type, default_kind AS default_type, default_expression, comment,"  # noqa: S608
        " '' AS codec_expression, '' AS ttl_expression"
        f" FROM system.columns WHERE table = '{table}' ORDER BY position"
    )


def _plain(name: str) -> str:
    return name if name == DATABASE else ""

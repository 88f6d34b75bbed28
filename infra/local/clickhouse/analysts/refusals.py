"""How an analyst is told what is not possible, and what is."""

from __future__ import annotations

from typing import Final

from infra.local.clickhouse.errors import ACCESS_DENIED, SYNTAX_ERROR, ClickHouseError

_ONE_SELECT: Final = "Analysts send one SELECT over the tables that SHOW TABLES lists"


def denied(reason: str, allowed: str = _ONE_SELECT) -> ClickHouseError:
    """403 with the reason and what is allowed instead."""
    return ClickHouseError(ACCESS_DENIED, f"Not enough privileges: {reason}. {allowed}.")


def unreadable(reason: str) -> ClickHouseError:
    """400: the statement is none that this door reads."""
    return ClickHouseError(SYNTAX_ERROR, f"Syntax error: {reason}")

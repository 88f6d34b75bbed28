"""`nudge retention`: how long each kind of data is kept, and whether anything is overdue."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from infra.local.addresses import resolve
from infra.postgres import Connection, connect
from infra.settings import SettingsError, load_settings
from streams.agents.retention import RULES, Rule, overdue

_console = Console()
_errors = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(retention)


def kept_for(kept: timedelta | None) -> str:
    """A time as people say it."""
    if kept is None:
        return "as long as the log"
    if not kept:
        return "not kept"
    if kept < timedelta(hours=1):
        return f"{int(kept.total_seconds() // 60)} minutes"
    hours = int(kept.total_seconds() // 3600)
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"


def retention(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """How long each kind of data is kept, by what it goes, and rows that should be gone by now."""
    rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("data", "kept", "ends", "where", "overdue", box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("data", "kept", "ends", "where")),
                      "" if row["overdue"] is None else f"{row['overdue']:,}")  # fmt: skip
    _console.print(table)


def _rows() -> list[dict[str, Any]]:
    """The table; without the store's numbers when there is no store that answers."""
    with suppress(SettingsError, psycopg.OperationalError):
        url = resolve(load_settings()).postgres_worker_url
        with connect(url, autocommit=True) as connection:
            return [_row(rule, connection) for rule in RULES]
    _errors.print("Postgres does not answer: rows are not counted")
    return [_row(rule, None) for rule in RULES]


def _row(rule: Rule, connection: Connection | None) -> dict[str, Any]:
    return {
        "data": rule.data,
        "where": rule.where.replace("`", ""),
        "kept": kept_for(rule.kept),
        "kept_seconds": None if rule.kept is None else int(rule.kept.total_seconds()),
        "ends": rule.ends.replace("`", ""),
        "overdue": overdue(connection, rule) if connection and rule.swept else None,
    }

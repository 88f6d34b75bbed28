"""`nudge verify`: whether the stores say what the log says, and mending those that do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import psycopg
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from rich.console import Console
from rich.markup import escape

from infra.bootstrap import Core
from infra.kafka import KafkaUnavailableError
from infra.master_keys import KeyFileError
from infra.rebuilding.analytics import AnalyticsDesk
from infra.rebuilding.desk import PostgresDesk
from infra.settings import SettingsError, load_settings
from infra.verifying.verifier import (
    Verdict,
    Verifier,
    VerifyRunningError,
    heal,
    new_topic_version,
)
from projections.rebuild.errors import RebuildError
from projections.verify.fault import KAFKA, STORES, Fault

_console = Console()
_REFUSED = (
    RebuildError,
    SettingsError,
    KeyFileError,
    VerifyRunningError,
    KafkaUnavailableError,
    KafkaException,
    ClickHouseError,
    psycopg.OperationalError,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    store: Annotated[
        list[str] | None, typer.Option(help="Only this one: kafka, postgres or clickhouse.")
    ] = None,
    mend: Annotated[
        bool, typer.Option("--heal", help="Rebuild and swap the read models that are wrong.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many faults are shown.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Compare every store with the log and name the first event that differs.

    Exits with 1 when something differs (with --heal: still differs).
    """
    stores = tuple(store or STORES)
    if unknown := set(stores) - set(STORES):
        raise typer.BadParameter(f"no store {min(unknown)}; there are {', '.join(STORES)}")
    say = (lambda _line: None) if as_json else _console.print
    try:
        settings = load_settings()
        core = Core.of(settings, "verify")
        try:
            found = Verifier(core, say=say).verify(stores)
            healed: list[str] = []
            after = found
            if mend and found.faults:
                desks = PostgresDesk.of(settings), AnalyticsDesk.of(settings)
                healed = heal(found.faults, *desks, say)
                after = Verifier(core, say=say).verify(stores) if healed else found
        finally:
            core.pool.close()
    except _REFUSED as error:
        typer.echo(str(error).splitlines()[0], err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(_as_json(found, healed, after, limit)))
    else:
        _show(found, healed, after, limit, settings.topic_prefix)
    raise typer.Exit(1 if after.faults else 0)


def _as_json(
    found: Verdict, healed: Sequence[str], after: Verdict, limit: int
) -> dict[str, object]:
    return {
        "events": found.events,
        "seconds": round(found.seconds, 3),
        "faults_total": len(found.faults),
        "faults": [asdict(fault) for fault in found.faults[:limit]],
        "first": asdict(found.first) if found.first else None,
        "healed": list(healed),
        "left": len(after.faults),
    }


def _show(found: Verdict, healed: Sequence[str], after: Verdict, limit: int, prefix: str) -> None:
    for store, events in found.events.items():
        _console.print(f"{store:<10} {events:,} events, {len(found.of(store)):,} faults")
    for fault in found.faults[:limit]:
        _console.print(_line(fault), soft_wrap=True)
    if found.first is not None:
        first = found.first
        _console.print(f"the first event that differs: position {first.position}, {first.event}")
    if healed:
        _console.print(f"healed: {', '.join(healed)}; {len(after.faults):,} faults left")
    if after.of(KAFKA):
        _console.print(new_topic_version(prefix), soft_wrap=True)
    if not found.faults:
        _console.print(f"all say what the log says ({found.seconds:.1f} s)")


def _line(fault: Fault) -> str:
    at = f" at position {fault.position} ({fault.event})" if fault.position else ""
    return f"[bold]{fault.place}[/] {fault.kind}: {escape(fault.key)}{at}: {escape(fault.detail)}"

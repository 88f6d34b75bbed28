"""Commands for trying things out on the embedded stack."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from infra.local.addresses import resolve
from infra.settings import SettingsError, load_settings, parse_duration

_console = Console()
development = typer.Typer(help="For trying things out on the embedded stack.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(development, name="dev")


def _duration(text: str) -> timedelta:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    assert isinstance(duration, timedelta)  # noqa: S101 - parse_duration refuses other text
    return duration


@development.command()
def advance(
    duration: Annotated[
        timedelta, typer.Argument(parser=_duration, help="How far, such as 3d, 12h or 30m.")
    ],
) -> None:
    """Move the clock of timers and schedules ahead; leases and time-outs stay on real time."""
    try:
        settings = load_settings()
    except SettingsError as error:
        _console.print(str(error))
        raise typer.Exit(1) from None
    if not settings.embedded:
        _console.print("refused: NUDGE_POSTGRES_URL is set, so this is not the embedded stack")
        raise typer.Exit(1)
    ahead = move_clock(resolve(settings).postgres_worker_url, duration)
    _console.print(f"the clock is now {ahead} ahead")


def move_clock(worker_url: str, duration: timedelta) -> timedelta:
    """Move the injected clock and wake whoever waits for it; returns how far it is ahead now."""
    with psycopg.connect(worker_url) as connection:
        row = connection.execute(
            "UPDATE state.clock SET ahead = ahead + %s RETURNING ahead", (duration,)
        ).fetchone()
        connection.execute("NOTIFY nudge_timers")
    assert row is not None  # noqa: S101 - the migration makes the one row
    ahead: timedelta = row[0]
    return ahead

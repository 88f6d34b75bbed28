"""`nudge faults`: let a process of the embedded stack die or freeze at a place named in code."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from domain.shared.faults import MEANINGS, FaultPoint
from infra.faults import BadOrderError, Faults, Order
from infra.settings import SettingsError, load_settings

_console = Console()
faults = typer.Typer(
    help="Fault points of the embedded stack: where a process may be told to die or to freeze.",
    no_args_is_help=True,
)
Point = Annotated[FaultPoint, typer.Argument(help="Where; `nudge faults list` shows all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(faults, name="faults")


@faults.command("list")
def list_points(as_json: AsJson = False) -> None:
    """Every point, the order that waits there, and how often it was met."""
    found = _faults()
    waiting, met = found.waiting(), found.carried_out()
    if as_json:
        items = [
            {"point": p, "meaning": MEANINGS[p], "met": met[p],
             "order": str(waiting[p]) if p in waiting else None}
            for p in FaultPoint
        ]  # fmt: skip
        typer.echo(json.dumps({"armed": found.met.is_dir(), "items": items}))
        return
    table = Table("point", "where it is", "order", "met")
    for point in FaultPoint:
        table.add_row(point, MEANINGS[point], str(waiting.get(point, "")), str(met[point]))
    _console.print(table)


@faults.command()
def arm(
    point: Point,
    action: Annotated[str, typer.Option(help="kill (SIGKILL) or stop (SIGSTOP).")] = "kill",
    nth: Annotated[int, typer.Option(help="The how manieth time it is reached.")] = 1,
    delay: Annotated[float, typer.Option(help="So many seconds later.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Give an order: the process that carries it out does so once."""
    found = _faults()
    try:
        order = Order.parse(f"{action} {nth} {delay}")
    except BadOrderError as error:
        _console.print(str(error))
        raise typer.Exit(1) from None
    new = not found.met.is_dir()
    found.prepare()
    found.arm(point, order)
    if as_json:
        typer.echo(json.dumps({"point": point, "order": str(order), "restart_needed": new}))
        return
    _console.print(f"{point}: {order}")
    if new:
        _console.print("processes look for orders from their next start on: nudge down, nudge up")


@faults.command()
def disarm(point: Point, as_json: AsJson = False) -> None:
    """Take an order back."""
    had = _faults().disarm(point)
    if as_json:
        typer.echo(json.dumps({"point": point, "disarmed": had}))
        return
    _console.print(f"{point}: {'taken back' if had else 'no order waits there'}")


def _faults() -> Faults:
    try:
        settings = load_settings()
    except SettingsError as error:
        _console.print(str(error))
        raise typer.Exit(1) from None
    if not settings.embedded:
        _console.print("refused: NUDGE_POSTGRES_URL is set, so this is not the embedded stack")
        raise typer.Exit(1)
    return Faults.of(settings.data_dir)

"""`nudge master-key`: which master keys are in use; rotation while the product runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from infra.local.addresses import resolve
from infra.master_keys import KeyFileError
from infra.postgres import Connection, connect
from infra.rotation import RotationError, retire, rewrap, rotate, uses
from infra.settings import SettingsError, load_settings

_console = Console()
_errors = Console(stderr=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
master_key = typer.Typer(
    no_args_is_help=True, help="The master key that wraps the keys of people and organizations."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(master_key, name="master-key")


@contextmanager
def _log() -> Iterator[tuple[Connection, Path]]:
    """The log and the key file; an error becomes one line and exit code 1."""
    try:
        addresses = resolve(load_settings())
        with connect(addresses.postgres_worker_url, autocommit=True) as connection:
            yield connection, addresses.master_key_file
    except (
        SettingsError, KeyFileError, RotationError, psycopg.OperationalError, OSError,
    ) as error:  # fmt: skip
        _errors.print(str(error).splitlines()[0])
        raise typer.Exit(1) from None


@master_key.command()
def status(as_json: JsonOption = False) -> None:
    """Every master key by its id, and how many keys it wraps."""
    with _log() as (connection, path):
        found = uses(connection, path)
    if as_json:
        typer.echo(json.dumps([use._asdict() for use in found]))
        return
    table = Table("id", "wraps", "newest", "in the file", box=None)
    for use in found:
        said = ("yes" if flag else "" for flag in (use.newest, use.in_file))
        table.add_row(use.id or "(before ids)", f"{use.wraps:,}", *said)
    _console.print(table)


@master_key.command("rotate")
def rotate_(
    new: Annotated[
        bool,
        typer.Option("--new/--no-new", help="No new key: the operator put it into the file first."),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Make a new master key and wrap every key by it. Ended early, it goes on when run again."""
    with _log() as (connection, path), Progress(console=_errors, disable=as_json) as progress:
        task = progress.add_task("wrapping", total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        newest = (rotate if new else rewrap)(connection, path, told)
        wraps = next(use.wraps for use in uses(connection, path) if use.newest)
    if as_json:
        typer.echo(json.dumps({"id": newest.hex(), "wraps": wraps}))
        return
    _console.print(f"master key {newest.hex()} wraps all {wraps:,} keys")
    _console.print("back up the key file, then: nudge master-key retire")


@master_key.command("retire")
def retire_(as_json: JsonOption = False) -> None:
    """Take master keys that wrap nothing any more out of the file.

    Key backups that were made before hold a copy of the key that opens them.
    """
    with _log() as (connection, path):
        dropped = retire(connection, path)
    typer.echo(json.dumps({"retired": dropped}) if as_json else f"{dropped} keys retired")

"""`nudge tokens`: the keys that sign people's access tokens."""

from __future__ import annotations

import json
from typing import Annotated

import psycopg
import typer
from psycopg_pool import PoolTimeout
from rich.console import Console

from infra.bootstrap import Core
from infra.settings import SettingsError, load_settings

_console = Console()
tokens = typer.Typer(help="Keys that sign access tokens.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(tokens, name="tokens")


@tokens.callback()
def _group() -> None:
    """Keys that sign access tokens."""


@tokens.command()
def rotate(as_json: AsJson = False) -> None:
    """Let a fresh key sign from now on. Tokens signed before stay good until they expire."""
    from infra.people.wiring import token_keys

    try:
        core = Core.of(load_settings(), "cli")
        with core.pool.connection() as connection:
            kid = token_keys(core).rotate(connection)
        core.pool.close()
    except (SettingsError, PoolTimeout, psycopg.Error) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps({"kid": kid}))
        return
    _console.print(f"{kid} signs from now on, everywhere within five seconds")

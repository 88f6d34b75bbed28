"""`nudge analyst`: logins with which an organization's analysts query ClickHouse."""

from __future__ import annotations

import json
from typing import Annotated, Any

import httpx
import psycopg
import typer
from rich.console import Console
from rich.table import Table

from infra.analyst_users import read_logins, user_statements
from infra.cli.client import client_of, connection, explain, items
from infra.local.addresses import resolve
from infra.postgres import connect
from infra.settings import SettingsError, load_settings

_console = Console()
analysts = typer.Typer(help="Logins for ClickHouse.", no_args_is_help=True)
ApiKey = Annotated[str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")]
BaseUrl = Annotated[str | None, typer.Option(help="Where the API is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(analysts, name="analyst")


@analysts.command("create")
def create(
    name: Annotated[str, typer.Option(help="Who or what logs in.")],
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a login; the password is shown this once."""
    made = _ask("POST", "", api_key, base_url, json={"name": name}).json()
    settings = load_settings()
    made["clickhouse_url"] = resolve(settings).clickhouse_url
    if as_json:
        typer.echo(json.dumps(made))
        return
    for title, field in (
        ("id", "id"), ("ClickHouse", "clickhouse_url"), ("user", "username"),
        ("password", "password"),
    ):  # fmt: skip
        shown_once = "  (shown this once)" if field == "password" else ""
        typer.echo(f"{title:<10} {made[field]}{shown_once}")
    if settings.clickhouse_url is not None:
        typer.echo("A server of your own knows it once `nudge analyst sql` was run there.")


@analysts.command("list")
def show(api_key: ApiKey = None, base_url: BaseUrl = None, as_json: AsJson = False) -> None:
    """The organization's logins, the revoked ones too."""
    with client_of(connection(api_key, base_url)) as client:
        found = list(items(client, "/v1/analysts"))
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("id", "name", "user", "made", "revoked")
    for each in found:
        table.add_row(
            each["id"], each["name"], each["username"], each["created_at"],
            each["revoked_at"] or "",
        )  # fmt: skip
    _console.print(table)


@analysts.command("revoke")
def revoke(
    analyst: Annotated[str, typer.Argument(help="The login's id.")],
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """End a login: within a second it is admitted no longer."""
    _ask("DELETE", f"/{analyst}", api_key, base_url)
    typer.echo(json.dumps({"id": analyst, "revoked": True}) if as_json else f"revoked {analyst}")


@analysts.command("sql")
def sql(as_json: AsJson = False) -> None:
    """All logins of all organizations as users of a real ClickHouse server, for an operator.

    The hashes of passwords are in it: keep it from others.
    """
    try:
        url = resolve(load_settings()).postgres_owner_url
        with connect(url) as log:
            statements = user_statements(*read_logins(log))
    except (SettingsError, psycopg.Error) as error:
        typer.echo(f"{error}".strip(), err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(statements) if as_json else ";\n".join([*statements, ""]), nl=False)


def _ask(
    method: str, path: str, api_key: str | None, base_url: str | None, **more: Any
) -> httpx.Response:
    """What the API answers; ends the command with its reason when it refuses."""
    to = connection(api_key, base_url)
    try:
        answer = httpx.request(
            method, f"{to.base_url}/v1/analysts{path}", headers=to.headers, trust_env=False, **more
        )
    except httpx.TransportError as error:
        typer.echo(f"{to.base_url}: {error}", err=True)
        raise typer.Exit(1) from None
    if answer.is_error:
        raise explain(answer)
    return answer

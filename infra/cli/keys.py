"""`nudge keys`: API keys made, listed, rotated and revoked, through the API."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from infra.cli.client import Connection, client_of, connection, explain, items
from infra.settings import parse_duration

_console = Console()
keys = typer.Typer(help="API keys.", no_args_is_help=True)
ApiKey = Annotated[str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")]
BaseUrl = Annotated[str | None, typer.Option(help="Where the API is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Key = Annotated[UUID, typer.Argument(help="Id of a key: see `nudge keys list`.")]
Lifetime = Annotated[
    str | None, typer.Option("--expires-in", help="Such as 90d; else it does not expire.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys")


@keys.command()
def create(
    scope: Annotated[
        list[str], typer.Option("--scope", help="A permission, such as contacts:read; repeatable.")
    ],
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    expires_in: Lifetime = None,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """Make a key. Its secret is shown this once."""
    body = {"scopes": scope, "name": name, "expires_at": moment_in(expires_in)}
    _make(connection(api_key, base_url), "/v1/api-keys", body, as_json=as_json)


@keys.command("list")
def list_all(as_json: AsJson = False, api_key: ApiKey = None, base_url: BaseUrl = None) -> None:
    """Every key with its scopes, expiry and last use; never the secrets."""
    with client_of(connection(api_key, base_url)) as client:
        found = list(items(client, "/v1/api-keys"))
    if as_json:
        typer.echo(json.dumps({"items": found, "total": len(found)}))
        return
    _console.print(table_of(found))


@keys.command()
def rotate(
    key: Key,
    overlap: Annotated[str, typer.Option(help="How long the former key is accepted.")] = "1d",
    expires_in: Lifetime = None,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """Make a successor with the same scopes; the former key is accepted during the overlap."""
    seconds = int(duration_of(overlap).total_seconds())
    body = {"overlap_seconds": seconds, "expires_at": moment_in(expires_in)}
    path = f"/v1/api-keys/{key}/rotate"
    _make(connection(api_key, base_url), path, body, as_json=as_json)


@keys.command()
def revoke(
    key: Key, as_json: AsJson = False, api_key: ApiKey = None, base_url: BaseUrl = None
) -> None:
    """Accept a key no longer, within a second everywhere."""
    with client_of(connection(api_key, base_url)) as client:
        answer = client.delete(f"/v1/api-keys/{key}")
    if answer.status_code != 204:
        raise explain(answer)
    if as_json:
        typer.echo(json.dumps({"id": str(key), "status": "revoked"}))
        return
    _console.print(f"revoked {key}")


def _make(to: Connection, path: str, body: dict[str, Any], *, as_json: bool) -> None:
    with client_of(to) as client:
        answer = client.post(path, json=body)
    if answer.status_code != 201:
        raise explain(answer)
    made = answer.json()
    if as_json:
        typer.echo(json.dumps(made))
        return
    _console.print(f"key    {made['id']}\nscopes {', '.join(made['scopes'])}", highlight=False)
    if made["expires_at"]:
        _console.print(f"until  {made['expires_at']}", highlight=False)
    _console.print(f"secret {made['secret']}  (shown this once)", highlight=False, soft_wrap=True)


def table_of(found: Iterable[dict[str, Any]]) -> Table:
    """The keys, a line each."""
    table = Table("id", "prefix", "name", "scopes", "status", "until", "last use")
    for key in found:
        table.add_row(
            key["id"],
            key["prefix"],
            key["name"] or "",
            ", ".join(key["scopes"]),
            key["status"],
            key["expires_at"] or "",
            key["last_used_at"] or "never",
        )
    return table


def duration_of(text: str) -> timedelta:
    """`90d` and the like; ends the command with a message for anything else."""
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    assert isinstance(found, timedelta)  # noqa: S101 - of a text it is nothing else
    return found


def moment_in(text: str | None) -> str | None:
    """So long from now, as the API reads it."""
    return None if text is None else (datetime.now(UTC) + duration_of(text)).isoformat()

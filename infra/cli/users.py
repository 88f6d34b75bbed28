"""`nudge user`: who works in an organization, over the API."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer
from rich.console import Console
from rich.table import Table

from infra.cli.client import client_of, connection, explain, items

_console = Console()
users = typer.Typer(help="People who work in an organization.", no_args_is_help=True)
ApiKey = Annotated[str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")]
BaseUrl = Annotated[str | None, typer.Option(help="Where the API is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
RoleName = Annotated[
    str, typer.Argument(help="owner, admin, marketer, approver, analyst, auditor or read_only.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(users, name="user")


@users.command("list")
def list_all(as_json: AsJson = False, api_key: ApiKey = None, base_url: BaseUrl = None) -> None:
    """Users, and invitations nobody has accepted yet."""
    with client_of(connection(api_key, base_url)) as client:
        found = list(items(client, "/v1/users"))
        invited = list(items(client, "/v1/invitations", {"status": "open"}))
    if as_json:
        typer.echo(json.dumps({"users": found, "invitations": invited}))
        return
    _console.print(_table(found, invited))


@users.command()
def invite(
    email: Annotated[str, typer.Argument(help="Who.")],
    role: RoleName,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """Invite somebody: the link is mailed, and good for seven days."""
    with client_of(connection(api_key, base_url)) as client:
        made = _done(client.post("/v1/invitations", json={"email": email, "role": role}))
    if as_json:
        typer.echo(json.dumps(made))
        return
    _console.print(f"invited {made['email']} as {made['role']}, until {made['expires_at']}")


@users.command("role")
def change_role(
    user: Annotated[str, typer.Argument(help="A user's id or address.")],
    role: RoleName,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """Give somebody another role, in force within a second."""
    with client_of(connection(api_key, base_url)) as client:
        changed = _done(client.patch(f"/v1/users/{_id_of(client, user)}", json={"role": role}))
    if as_json:
        typer.echo(json.dumps(changed))
        return
    _console.print(f"{changed['email']} is {changed['role']}")


def _done(response: httpx.Response) -> Any:
    if response.is_error:
        raise explain(response)
    return response.json()


def _id_of(client: httpx.Client, user: str) -> str:
    try:
        return str(UUID(user))
    except ValueError:
        pass
    found = [u for u in items(client, "/v1/users") if u["email"].lower() == user.lower()]
    if not found:
        Console(stderr=True).print(f"nobody here has the address {user}")
        raise typer.Exit(1)
    return str(found[0]["id"])


def _table(found: list[dict[str, Any]], invited: list[dict[str, Any]]) -> Table:
    table = Table("who", "name", "role", "since", "id")
    for user in found:
        table.add_row(
            user["email"], user["name"], user["role"], user["created_at"][:10], user["id"]
        )
    for each in invited:
        table.add_row(each["email"], f"({each['status']})", each["role"], "", each["id"])
    return table

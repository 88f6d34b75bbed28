"""`nudge sends`: deliveries in doubt, and a person's decision about the held ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from infra.cli.asking import ensure_sure
from infra.cli.client import Connection, client_of, connection, explain, items

_console = Console()
sends = typer.Typer(
    help="Deliveries of which nobody here knows whether they were sent.", no_args_is_help=True
)
ApiKey = Annotated[str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")]
BaseUrl = Annotated[str | None, typer.Option(help="Where the API is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
OfCampaign = Annotated[UUID | None, typer.Option("--campaign", help="Only of this campaign.")]
Deliveries = Annotated[list[UUID] | None, typer.Argument(help="Ids of held deliveries.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(sends, name="sends")


@sends.command()
def ambiguous(
    campaign: OfCampaign = None,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """What is in doubt: ambiguous (looked up by itself) and held (waits for you)."""
    with client_of(connection(api_key, base_url)) as client:
        found = list(_in_doubt(client, campaign, None))
    if as_json:
        typer.echo(json.dumps({"items": found, "total": len(found)}))
        return
    _console.print(table_of(found) if found else "nothing is in doubt")


@sends.command()
def resend(
    deliveries: Deliveries = None,
    campaign: OfCampaign = None,
    yes: Sure = False,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """Send held deliveries again; whoever did get the lost mail gets it twice."""
    _decide("resend", deliveries, campaign, connection(api_key, base_url), yes, as_json)


@sends.command()
def close(
    deliveries: Deliveries = None,
    campaign: OfCampaign = None,
    yes: Sure = False,
    as_json: AsJson = False,
    api_key: ApiKey = None,
    base_url: BaseUrl = None,
) -> None:
    """Do not send held deliveries any more; a webhook that comes later still counts."""
    _decide("close", deliveries, campaign, connection(api_key, base_url), yes, as_json)


def _decide(
    what: Literal["resend", "close"],
    deliveries: Sequence[UUID] | None,
    campaign: UUID | None,
    to: Connection,
    sure: bool,
    as_json: bool,
) -> None:
    if bool(deliveries) == bool(campaign):
        _console.print("give ids of deliveries, or --campaign for all its held ones")
        raise typer.Exit(1)
    with client_of(to) as client:
        ids = [str(each) for each in deliveries or ()]
        if campaign:
            ids = [each["id"] for each in _in_doubt(client, campaign, "held")]
        ensure_sure(f"{what} {len(ids)} held deliveries?", yes=sure, as_json=as_json)
        decided = list(_decided(client, what, ids, quiet=as_json))
    if as_json:
        typer.echo(json.dumps({"items": decided, "total": len(decided)}))
        return
    _console.print(f"{len(decided)} decided: {what}")


def _decided(
    client: httpx.Client, what: str, ids: Sequence[str], *, quiet: bool
) -> Iterator[dict[str, Any]]:
    for delivery in track(ids, what, console=_console, disable=quiet or len(ids) < 2):
        answer = client.post(f"/v1/deliveries/{delivery}/{what}")
        if answer.status_code != 200:
            raise explain(answer)
        yield answer.json()


def _in_doubt(
    client: httpx.Client, campaign: UUID | None, state: str | None
) -> Iterator[dict[str, Any]]:
    return items(client, "/v1/deliveries", {"campaign_id": campaign, "state": state})


def table_of(found: Iterable[dict[str, Any]]) -> Table:
    """The deliveries, a line each."""
    table = Table(
        "delivery", "state", "campaign", "step", "attempt", "claimed", "looked up", "next"
    )
    for each in found:
        table.add_row(
            each["id"], each["state"], each["campaign_id"], str(each["step"]),
            str(each["attempt"]), each["claimed_at"], str(each["lookups"]),
            each["next_lookup_at"] or "",
        )  # fmt: skip
    return table

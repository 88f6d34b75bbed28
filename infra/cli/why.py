"""`nudge why` and `nudge why-not`: what led to an e-mail, or kept it from somebody."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from infra.cli.client import connection, explain

_console = Console()
why = typer.Typer(help="Why somebody got an e-mail.", no_args_is_help=True)
_ApiKey = Annotated[str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")]
_BaseUrl = Annotated[str | None, typer.Option(help="Where the API is.")]
_AsOf = Annotated[str | None, typer.Option(help="As it was at this position or time.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
_Step = Annotated[int | None, typer.Option(min=1, max=5, help="Of this e-mail only.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(why, name="why")
    app.command("why-not")(why_not)


@why.command("delivery")
def delivery(
    delivery_id: Annotated[UUID, typer.Argument(help="The delivery.")],
    as_of: _AsOf = None,
    as_json: _AsJson = False,
    api_key: _ApiKey = None,
    base_url: _BaseUrl = None,
) -> None:
    """Every cause of one e-mail, from the sentence to the webhooks, each with its position."""
    query = {"as_of": as_of} if as_of else {}
    found = _get(f"/v1/deliveries/{delivery_id}/why", query, api_key, base_url)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for link in found["chain"]:
        _console.print(line(link), soft_wrap=True)


def why_not(
    campaign: Annotated[UUID, typer.Option(help="The campaign.")],
    contact: Annotated[UUID, typer.Option(help="The contact.")],
    step: _Step = None,
    as_of: _AsOf = None,
    as_json: _AsJson = False,
    api_key: _ApiKey = None,
    base_url: _BaseUrl = None,
) -> None:
    """The first reason why somebody did not get a campaign, with its event."""
    query: dict[str, Any] = {"contact_id": str(contact)}
    query |= {name: given for name, given in (("step", step), ("as_of", as_of)) if given}
    found = _get(f"/v1/campaigns/{campaign}/why-not", query, api_key, base_url)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    _console.print(answer(found), soft_wrap=True)


def _get(path: str, query: dict[str, Any], api_key: str | None, base_url: str | None) -> Any:
    to = connection(api_key, base_url)
    try:
        response = httpx.get(f"{to.base_url}{path}", params=query, headers=to.headers, timeout=60)
    except httpx.TransportError as error:
        _console.print(f"the API does not answer: {error}")
        raise typer.Exit(1) from None
    if not response.is_success:
        raise explain(response)
    return response.json()


def line(link: dict[str, Any]) -> str:
    """A cause in one line, in rich's markup."""
    return f"[bold cyan]{link['link']:>9}[/] {_event(link)}{_details(link['details'])}"


def answer(found: dict[str, Any]) -> str:
    """The reason in two lines, in rich's markup."""
    reason = found["reason"]
    if reason is None:
        return f"It was sent: delivery {found['delivery']['id']}, {found['delivery']['state']}."
    said = f"[bold]{reason['detail']}[/] ({reason['code']}, e-mail {reason['step']})"
    event = _event(reason["event"]) if reason["event"] else "no event"
    return f"{said}\n  {event}{_details(reason['details'])}"


def _event(event: dict[str, Any]) -> str:
    at = event["at"][:19].replace("T", " ")
    return (
        f"[dim]{event['position']:>8} {at}[/] {event['event']} [dim]by {escape(event['actor'])}[/]"
    )


def _details(details: dict[str, Any]) -> str:
    shown = [
        f"{name} {_value(value)}" for name, value in details.items() if value not in ("", None)
    ]
    return "".join(f"\n{'':>10}[dim]{escape(each)}[/]" for each in shown)


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "; ".join(map(_condition, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _condition(each: dict[str, Any]) -> str:
    known = "erased" if each["erased"] else json.dumps(each["known"], ensure_ascii=False)
    said = {True: "met", False: "not met", None: "nobody can know"}[each["met"]]
    wanted = json.dumps(each["value"], ensure_ascii=False)
    return f"{each['field']} {each['op']} {wanted}: was {known}, {said}"

"""`nudge chat`: a conversation in the terminal, with the campaign card and approval by one key."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from infra.cli.chat_card import card, when
from infra.cli.chat_live import LiveFigures
from infra.cli.client import Connection, connection, explain

_console = Console(highlight=False)
APPROVE = "a"
HESITATION = 0.6
"""Seconds after which a single `a` is a yes and not the first letter of a sentence."""
_LEAVE = {"exit", "quit", "bye", "q"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chat)


def chat(
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON answer a line.")] = False,
    api_key: Annotated[
        str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the API is.")] = None,
) -> None:
    """Say what you want to tell your customers; press `a` to approve what is shown."""
    to = connection(api_key, base_url)
    with httpx.Client(base_url=to.base_url, headers=to.headers, timeout=45) as client:
        try:
            talk(client, to, conversation, as_json=as_json)
        except httpx.TransportError as error:
            _console.print(f"{to.base_url} does not answer: {error}")
            raise typer.Exit(1) from None


def talk(
    client: httpx.Client, to: Connection, conversation_id: str | None, *, as_json: bool
) -> None:
    """One conversation, until the person leaves."""
    if conversation_id is None:
        begun = client.post("/v1/conversations", json={"channel": "cli"})
        if begun.status_code != 201:
            raise explain(begun)
        conversation_id = begun.json()["id"]
    with LiveFigures(to, conversation_id) as live:
        dialogue = Dialogue(client, conversation_id, live, as_json=as_json)
        if not as_json:
            _console.print(_WELCOME)
        for said in lines(dialogue, live):
            if said.strip().lower() in _LEAVE:
                break
            if said.strip():
                dialogue.say(said.strip())


_WELCOME = (
    "[bold]What would you like to tell your customers?[/]\n"
    "[dim]For example: Win back customers who haven't bought in 60 days with 20% off. "
    "Ctrl-D leaves.[/]\n"
)


@dataclass
class Dialogue:
    """What was said and shown; `shown` is the campaign whose hash one key approves."""

    client: httpx.Client
    conversation_id: str
    live: LiveFigures
    as_json: bool = False
    shown: dict[str, str] | None = field(default=None)

    def say(self, text: str) -> None:
        """Say it, and show what is answered; a single `a` approves what is shown."""
        if text == APPROVE and self.shown is not None:
            self.approve(self.shown)
            return
        answer = self.client.post(
            f"/v1/conversations/{self.conversation_id}/messages",
            json={"text": text},
            headers={"Prefer": "wait=30"},
        )
        if answer.status_code == 202:
            _console.print("[dim]The answer takes longer than usual; ask again in a moment.[/]")
        elif answer.status_code != 200:
            explain(answer)
        else:
            self._show(answer)

    def approve(self, shown: dict[str, str]) -> None:
        """A yes to exactly the content that stands on the screen."""
        answer = self.client.post(
            f"/v1/campaigns/{shown['id']}/approve", json={"content_hash": shown["content_hash"]}
        )
        if answer.status_code not in (200, 202):
            explain(answer)
            return
        self.shown = None
        if self.as_json:
            typer.echo(answer.text)
            return
        campaign = answer.json()
        if answer.status_code == 202:
            _console.print(
                f"[bold yellow]Your yes is kept:[/] {escape(campaign['name'])} goes to so many "
                "people that somebody else has to approve it too. Nothing is sent yet.\n"
            )
            return
        _console.print(
            f"[bold green]Approved:[/] {escape(campaign['name'])}, {when(campaign)}. "
            "Say “pause it” if you want it to stop.\n"
        )

    def _show(self, answer: httpx.Response) -> None:
        body = answer.json()
        campaign = self._campaign(body["campaign"], answer.headers.get("Nudge-Position", ""))
        self.shown = None
        if campaign and (campaign["status"], campaign["content_hash"]) == (
            "draft",
            body["campaign"]["content_hash"],
        ):
            self.shown = body["campaign"]
        if self.as_json:
            typer.echo(json.dumps(body, ensure_ascii=False))
            return
        content = body["reply"]["content"]
        if campaign and self.shown is not None:
            _console.print(Text(content.partition("\n\n")[0]))  # the card says the rest
            _console.print(card(campaign))
            _console.print(_KEYS)
        else:
            _console.print(Text(content))
        _console.print()

    def _campaign(self, shown: dict[str, str] | None, position: str) -> dict[str, Any] | None:
        """The campaign that was shown, once the read model has what the reply appended."""
        if shown is None:
            return None
        headers = {"Nudge-Min-Position": position}
        read = self.client.get(f"/v1/campaigns/{shown['id']}", headers=headers)
        if read.status_code != 200:
            explain(read)
            return None
        campaign: dict[str, Any] = read.json()
        self.live.named(campaign["id"], campaign["name"])
        return campaign


_KEYS = (
    "[bold reverse] a [/] approve exactly this   "
    "[dim]or type “send a test to you@example.com”, “make it friendlier”, "
    "“send it tomorrow at 9”[/]"
)


def lines(dialogue: Dialogue, live: LiveFigures) -> Iterator[str]:
    """What the person types, line by line; from a pipe, its lines."""
    if not sys.stdin.isatty():
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    session: PromptSession[str] = PromptSession(
        key_bindings=_keys(dialogue),
        bottom_toolbar=lambda: live.line or None,
        refresh_interval=1,
    )
    while True:
        try:
            yield session.prompt("you > ")
        except (EOFError, KeyboardInterrupt):
            return


def _keys(dialogue: Dialogue) -> KeyBindings:
    keys = KeyBindings()

    @keys.add(APPROVE)
    def _(event: KeyPressEvent) -> None:
        """One key, unless it turns out to be the beginning of a sentence."""
        buffer = event.current_buffer
        buffer.insert_text(APPROVE)
        if dialogue.shown is None or buffer.text != APPROVE:
            return

        async def settle() -> None:
            await asyncio.sleep(HESITATION)
            if buffer.text == APPROVE and get_app().is_running:
                buffer.validate_and_handle()

        event.app.create_background_task(settle())

    return keys

"""Plays the demo over the public API: a bakery, its contacts, one conversation, what came of it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.cli.client import credentials_file
from infra.cli.organizations import create_organization
from infra.demo.people import fresh
from infra.local.addresses import resolve
from infra.settings import Settings

_console = Console(highlight=False)
_SENTENCES: Final = (
    "Win back customers who haven't bought in 60 days with 20% off, code COMEBACK20",
    "Make it a little friendlier",
    "Who gets this?",
    "Yes, send it",
)
_LONGEST_WAIT: Final = 60.0
BUSINESS: Final = {
    "name": "Rosa's Bakery",
    "industry": "bakery",
    "business_model": "neighbourhood bakery with a small café",
    "brand_voice": "warm, a little playful",
    "target_audience": "people who live or work nearby",
    "website": "https://rosas-bakery.example",
    "timezone": "Europe/Vienna",
    "sender": {
        "name": "Rosa from Rosa's Bakery",
        "email": "rosa@rosas-bakery.example.com",
        "postal_address": "Mill Lane 3, 1010 Vienna, Austria",
    },
}


def load(settings: Settings) -> None:
    """Load and play the demo once; later calls say that it is there."""
    known = credentials_file(settings.data_dir)
    if known.is_file():
        stored = json.loads(known.read_text())
        _console.print(f"The demo is there already: organization {stored['organization_id']}.")
        _where_to_look(settings)
        return
    _console.print("\n[bold]The demo[/bold]: Rosa's Bakery and its 2,000 contacts")
    made = create_organization(settings, "Rosa's Bakery")
    demo = _Demo(settings, made.api_key)
    demo.set_up(made.business_id)
    campaign_id = demo.talk(made.business_id)
    # Written last: a demo that was interrupted is played again, as another organization.
    write_credentials(known, {"base_url": settings.base_url, **asdict(made)})
    demo.follow(campaign_id)
    _where_to_look(settings)


def write_credentials(path: Path, credentials: dict[str, str]) -> None:
    """Write the demo's credentials, readable by their owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(credentials, file, indent=2)


class _Demo:
    """One playing, as a client of the API."""

    def __init__(self, settings: Settings, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=settings.base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=60,
        )
        self._position = ""

    def _send(self, method: str, path: str, **more: Any) -> Any:
        headers = {**more.pop("headers", {})}
        if method == "GET" and self._position:
            headers["Nudge-Min-Position"] = self._position
        answer = self._http.request(method, path, headers=headers, **more)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.text}")
        self._position = answer.headers.get("Nudge-Position", self._position)
        return answer.json()

    def set_up(self, business_id: str) -> None:
        self._send("PATCH", f"/v1/businesses/{business_id}", json=BUSINESS)
        text = fresh(datetime.now(UTC).date())
        done = self._send(
            "POST",
            "/v1/contacts/import",
            content=text.encode(),
            headers={"Content-Type": "text/csv"},
        )
        _console.print(f"  imported {done['added']} contacts from infra/demo/contacts.csv")

    def talk(self, business_id: str) -> str:
        """The conversation, as it is said; returns the campaign it made."""
        started = self._send("POST", "/v1/conversations", json={"business_id": business_id})
        campaign_id = ""
        for sentence in _SENTENCES:
            _console.print(f"\n  [bold cyan]Rosa[/bold cyan]   {escape(sentence)}")
            began = time.monotonic()
            path = f"/v1/conversations/{started['id']}/messages"
            answer = self._send("POST", path, json={"text": sentence})
            milliseconds = (time.monotonic() - began) * 1000
            for number, line in enumerate(answer["reply"]["content"].splitlines()):
                who = "[bold green]Nudge[/bold green]  " if number == 0 else "       "
                _console.print(f"  {who}{escape(line)}", soft_wrap=True)
            _console.print(f"         [dim]{milliseconds:.0f} ms[/dim]")
            campaign_id = (answer["campaign"] or {"id": campaign_id})["id"]
        return campaign_id

    def follow(self, campaign_id: str) -> None:
        """Wait until the campaign is sent and its first readers have reacted, then show it."""
        _console.print("\n  sending, and waiting for the first readers", end="")
        deadline = time.monotonic() + _LONGEST_WAIT
        last: dict[str, int] = {}
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            campaign = self._send("GET", f"/v1/campaigns/{campaign_id}")
            if campaign["metrics"] != last:
                last, quiet_since = campaign["metrics"], time.monotonic()
            elif campaign["status"] == "sent" and time.monotonic() - quiet_since > 4:
                break
            _console.print(".", end="")
            time.sleep(1)
        _console.print()
        _show(campaign)


def _show(campaign: dict[str, Any]) -> None:
    table = Table(title=f"{campaign['name']}: {campaign['status']}", title_justify="left")
    for column in ("what", "count"):
        table.add_column(column, justify="right" if column == "count" else "left")
    for name, count in campaign["metrics"].items():
        if count:
            table.add_row(name.replace("_", " "), f"{count:,}")
    _console.print(table)


def _where_to_look(settings: Settings) -> None:
    addresses = resolve(settings)
    data = settings.data_dir
    _console.print(
        f"\n[bold]Where to look[/bold]\n"
        f"  nudge chat                    talk to it yourself\n"
        f"  nudge events tail             every event as it happens\n"
        f"  {settings.base_url}/docs    the API, with the key in {data}/credentials.json\n"
        f"  {addresses.postmark_url}/sandbox/messages    every mail as it was sent\n"
        f"  {addresses.clickhouse_url}    ClickHouse for analysts; login: nudge env\n"
        f"  nudge status                  what runs and how far everything is\n",
        soft_wrap=True,
    )

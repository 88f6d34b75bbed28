"""How commands reach the API: the demo's credentials unless others are given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.console import Console

from infra.settings import SettingsError, load_settings

_console = Console(stderr=True)
_PAGE = "500"


@dataclass(frozen=True)
class Connection:
    """Where the API is, and as whom."""

    base_url: str
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}


def credentials_file(data_dir: Path) -> Path:
    """Where the demo leaves its credentials, mode 600."""
    return data_dir / "credentials.json"


def connection(api_key: str | None, base_url: str | None) -> Connection:
    """The connection a command uses; ends the command with one line when there is no key."""
    try:
        settings = load_settings()
    except SettingsError as error:
        _console.print(str(error))
        raise typer.Exit(1) from None
    known = credentials_file(settings.data_dir)
    if api_key is None and known.is_file():
        stored = json.loads(known.read_text())
        return Connection(base_url or stored["base_url"], stored["api_key"])
    if api_key is None:
        _console.print("no API key: pass --api-key, or run `make run` once for the demo's")
        raise typer.Exit(1)
    return Connection(base_url or settings.base_url, api_key)


def client_of(to: Connection) -> httpx.Client:
    """A client of the API; the machine's proxy settings are for other machines."""
    return httpx.Client(base_url=to.base_url, headers=to.headers, timeout=30, trust_env=False)


def items(
    client: httpx.Client, path: str, query: Mapping[str, object] | None = None
) -> Iterator[dict[str, Any]]:
    """Everything in a list of the API, page by page; filters that are None are none.

    Ends the command with what the API says when a page is refused.
    """
    asked = {name: str(value) for name, value in (query or {}).items() if value is not None}
    asked["limit"] = _PAGE
    while True:
        answer = client.get(path, params=asked)
        if answer.is_error:
            raise explain(answer)
        page = answer.json()
        yield from page["items"]
        if page["next_after"] is None:
            return
        asked["after"] = page["next_after"]


def explain(response: httpx.Response) -> typer.Exit:
    """Print what the API says was wrong; the exit to raise."""
    try:
        problem = response.json()
        _console.print(f"{problem['code']}: {problem['detail']}")
        for error in problem.get("errors", []):
            _console.print(f"  {error['field']}: {error['detail']}")
    except (ValueError, KeyError):
        _console.print(f"HTTP {response.status_code}")
    return typer.Exit(1)

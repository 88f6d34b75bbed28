"""How commands reach the API: the demo's credentials unless others are given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import typer
from rich.console import Console

from infra.settings import SettingsError, load_settings

_console = Console(stderr=True)


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

"""`nudge contacts import`: a file of contacts through the API, with progress."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.cli.client import Connection, connection, explain

_console = Console()
contacts = typer.Typer(help="Contacts.", no_args_is_help=True)
_SUFFIXES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(contacts, name="contacts")


@contacts.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or NDJSON.")],
    rejected: Annotated[
        Path | None, typer.Option(help="Write rejected rows, with reasons, to this CSV.")
    ] = None,
    attest_consent: Annotated[
        str | None, typer.Option(help="You vouch that these people agreed; say where.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would happen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
    api_key: Annotated[
        str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the API is.")] = None,
) -> None:
    """Import contacts; a repeated file changes nothing, so it may be stopped and run again."""
    content_type = _SUFFIXES.get(file.suffix.lower())
    if content_type is None:
        _console.print(f"{file.name}: give a .csv, .ndjson or .jsonl file")
        raise typer.Exit(1)
    query: dict[str, str] = {"dry_run": str(dry_run).lower()}
    if attest_consent:
        query["attest_consent"] = attest_consent
    lines = _count_lines(file)
    totals, rejections = _stream(
        connection(api_key, base_url), file, content_type, query, lines, quiet=as_json
    )
    if rejected is not None:
        _write(rejected, rejections)
    if as_json:
        typer.echo(json.dumps({**totals, "rejected": rejections[:1000]}))
        return
    _console.print(", ".join(f"{name.replace('_total', '')} {n}" for name, n in totals.items()))
    for each in rejections[:10]:
        _console.print(f"line {each['line']}: {each['detail']} ({each['code']})")


@contacts.command("export")
def export(
    contact: Annotated[str, typer.Argument(help="A contact's id or address.")],
    out: Annotated[
        Path | None, typer.Option(help="Write to this file, mode 600, and not to the screen.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="NUDGE_API_KEY", help="Instead of the demo's.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the API is.")] = None,
) -> None:
    """Everything that is stored about a person, as JSON."""
    to = connection(api_key, base_url)
    response = httpx.get(
        f"{to.base_url}/v1/contacts/{contact_id(to, contact)}/export",
        headers=to.headers, timeout=60, trust_env=False,
    )  # fmt: skip
    if response.status_code != 200:
        raise explain(response)
    text = json.dumps(response.json(), indent=2, ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    out.touch(mode=0o600)
    out.write_text(text + "\n")
    _console.print(f"written to {out}")


def contact_id(to: Connection, contact: str) -> str:
    """The id of a contact that is named by its id or its address; ends the command if none is."""
    if "@" not in contact:
        return contact
    response = httpx.get(
        f"{to.base_url}/v1/contacts", params={"email": contact}, headers=to.headers, timeout=30,
        trust_env=False,
    )  # fmt: skip
    if response.status_code != 200:
        raise explain(response)
    found = response.json()["items"]
    if not found:
        Console(stderr=True).print("no contact has this address; a deleted one is named by its id")
        raise typer.Exit(1)
    return str(found[0]["id"])


def _count_lines(file: Path) -> int:
    with file.open("rb") as opened:
        return sum(part.count(b"\n") for part in iter(lambda: opened.read(1 << 20), b""))


def _stream(
    to: Connection,
    file: Path,
    content_type: str,
    query: dict[str, str],
    lines: int,
    *,
    quiet: bool,
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    totals: dict[str, int] = {}
    rejections: list[dict[str, Any]] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    headers = {**to.headers, "Content-Type": content_type, "Accept": "application/x-ndjson"}
    url = f"{to.base_url}/v1/contacts/import"
    with (
        Progress(*columns, console=_console, disable=quiet) as progress,
        file.open("rb") as opened,
        httpx.Client(timeout=httpx.Timeout(10, read=None)) as client,
        client.stream("POST", url, params=query, headers=headers, content=opened) as response,
    ):
        task = progress.add_task(file.name, total=max(lines, 1))
        if response.status_code != 200:
            response.read()
            raise explain(response)
        for line in response.iter_lines():
            step = json.loads(line)
            if "progress" in step:
                progress.update(task, completed=step["progress"]["lines"])
            elif "rejected" in step:
                rejections.append(step["rejected"])
            else:
                totals = step["totals"]
    return totals, rejections


def _write(path: Path, rejections: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, ["line", "code", "detail"])
        writer.writeheader()
        writer.writerows(rejections)

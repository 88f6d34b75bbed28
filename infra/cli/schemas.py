"""Commands for the schema files: check them, give them ids, list them, and render them."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.asyncapi import document
from schemas.checking import check as check_folder
from schemas.pages import PAGES
from schemas.registry import ROOT, Registry, SchemaError, lock_new_schemas

_console = Console()
schemas = typer.Typer(help="Schema files: the definition of every event.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
RootOption = Annotated[Path, typer.Option("--root", help="The folder of the schema files.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(schemas, name="schemas")


@schemas.command("check")
def check(
    against: Annotated[
        str | None,
        typer.Option(help="What was published: a folder or a git ref. Default: HEAD, if any."),
    ] = None,
    root: RootOption = ROOT,
    as_json: JsonOption = False,
) -> None:
    """Refuse what would make stored events unreadable; exit code 1 when something is found."""
    with _base(against, root.resolve()) as base:
        for folder in (root, base):
            if folder is not None and not (folder / "avro" / "meta.avsc").is_file():
                raise typer.BadParameter(f"{folder} holds no schema files (avro/meta.avsc)")
        findings = check_folder(root, base)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            typer.echo(str(finding))
        typer.echo(f"{len(findings)} findings" if findings else "all schemas are compatible")
    raise typer.Exit(1 if findings else 0)


@schemas.command("lock")
def lock(root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """Give every new schema file the next id, for good."""
    try:
        lines = lock_new_schemas(root)
    except SchemaError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(lines))
        return
    typer.echo("\n".join(lines) or "every schema file has an id already")


@schemas.command("list")
def show(root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """Every event type and version with its id and topic."""
    entries = sorted(Registry(root).by_id.values(), key=lambda entry: entry.schema_id)
    if as_json:
        rows = [
            {"id": e.schema_id, "type": e.type, "version": e.version, "topic": e.topic}
            for e in entries
        ]
        typer.echo(json.dumps(rows))
        return
    table = Table("id", "event", "version", "topic")
    for entry in entries:
        table.add_row(str(entry.schema_id), entry.type, str(entry.version), entry.topic)
    _console.print(table)


@schemas.command("asyncapi")
def asyncapi() -> None:
    """The AsyncAPI document of all topics and events."""
    typer.echo(json.dumps(document(), indent=2))


@schemas.command("docs")
def docs(
    folder: Annotated[Path, typer.Option(help="Where the pages go.")] = ROOT.parent
    / "docs"
    / "reference",
) -> None:
    """Write the reference pages of events and topics."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in PAGES.items():
        (folder / name).write_text(render())
        typer.echo(f"wrote {folder / name}")


@contextmanager
def _base(against: str | None, root: Path) -> Iterator[Path | None]:
    """The folder to compare with: the one named, or the git ref's files in a temporary one."""
    if against is not None and Path(against).is_dir():
        yield Path(against)
        return
    archive = _git(root, "archive", "--format=tar", against or "HEAD")
    if archive is None:
        if against is not None:
            raise typer.BadParameter(f"{against} is neither a folder nor a git ref here")
        yield None
        return
    with tempfile.TemporaryDirectory() as temporary:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(temporary, filter="data")
        yield Path(temporary)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where there is no git, no repository or no such ref."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], check=False, capture_output=True
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None

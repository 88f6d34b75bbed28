"""`nudge audit`: tree heads, proofs, the auditor's export, and the check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.audit.anchors import heads_file
from infra.audit.checking import check_log, read_heads
from infra.audit.export import export_log, export_organization
from infra.audit.proving import NoProofError, prove_event, prove_growth
from infra.audit.tree import TreeDamagedError, heads, newest_head
from infra.audit.verify_bundle import (
    Head,
    Outcome,
    UnusableError,
    check_file,
    described,
    notes_on,
    trusted_keys,
)
from infra.bootstrap import Core
from infra.master_keys import KeyFileError
from infra.postgres import Connection, connect
from infra.settings import SettingsError, load_settings

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
HeadsOption = Annotated[
    Path | None,
    typer.Option("--heads", help="Heads you kept: one JSON a line, or a bundle."),
]
_console = Console(stderr=True)
audit = typer.Typer(help="Tamper-evident history.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit")


@audit.command("head")
def head(
    all_heads: Annotated[bool, typer.Option("--all", help="Every head, oldest first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The newest signed tree head: keep it, and the log up to it can no longer change unseen."""
    with _core() as core, _log(core) as log:
        found = heads(log) if all_heads else [each for each in [newest_head(log)] if each]
    if not found:
        raise _failed("no tree head was signed yet: the relay signs one within 10 s of an event")
    for each in found:
        if as_json or all_heads:
            typer.echo(each.line)
        else:
            for name, value in json.loads(each.line).items():
                typer.echo(f"{name:10}{value}")


@audit.command()
def prove(
    position: Annotated[int, typer.Argument(min=1, help="Of the event, as in nudge events tail.")],
    as_json: JsonOption = False,
) -> None:
    """That an event is in the log, under the newest head; --json gives the proof itself."""
    with _core() as core, _log(core) as log:
        proof = prove_event(log, position)
    if as_json:
        typer.echo(json.dumps(proof))
        return
    signed = proof["head"]
    typer.echo(f"{proof['event']['type']} at position {position} is leaf {proof['index']:,}")
    typer.echo(f"of the tree of {signed['size']:,} events signed at {signed['at']}")
    typer.echo(f"root {signed['root']}, {len(proof['path'])} hashes lead there (--json: the proof)")


@audit.command("consistency")
def show_consistency(
    old: Annotated[int, typer.Argument(min=1, help="Events of the older signed head.")],
    new: Annotated[int, typer.Argument(min=1, help="Events of the newer one.")],
    as_json: JsonOption = False,
) -> None:
    """That the log only grew between two signed heads; --json gives the proof itself."""
    with _core() as core, _log(core) as log:
        proof = prove_growth(log, old, new)
    if as_json:
        typer.echo(json.dumps(proof))
        return
    typer.echo(f"the tree of {old:,} events ({proof['old']['root']})")
    typer.echo(f"is the beginning of that of {new:,} events ({proof['head']['root']})")
    typer.echo(f"{len(proof['path'])} hashes prove it (--json: the proof)")


@audit.command("export")
def write_bundle(
    target: Annotated[Path, typer.Argument(help="The bundle to write, a .zip file.")],
    organization: Annotated[
        UUID | None, typer.Option("--organization", help="Only this one's events, each proven.")
    ] = None,
    kept: HeadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """A bundle for an auditor: events as they lie in the log, sealed, and signed heads."""
    with _core() as core, _log(core) as log, _progress("exported") as advance:
        if target.is_dir() or not target.absolute().parent.is_dir():
            raise UnusableError(f"{target} cannot be written: name a file in a folder that exists")
        key = core.signer.public_key
        if organization is None:
            count = export_log(log, target, key, advance)
        else:
            named = read_heads(kept) if kept else []
            count = export_organization(log, target, key, str(organization), named, advance)
    if as_json:
        typer.echo(json.dumps({"file": str(target), "events": count, "key": key.hex()}))
        return
    typer.echo(f"{target}: {count:,} events; public key {key.hex()}")
    typer.echo("check it with infra/audit/verify_bundle.py, which needs nothing of this project")


@audit.command()
def verify(
    bundle: Annotated[
        Path | None, typer.Argument(help="A bundle or a proof; the live log when left out.")
    ] = None,
    kept: HeadsOption = None,
    public_key: Annotated[
        list[str] | None, typer.Option("--public-key", help="Heads may be signed by this key.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the log, or a bundle, with the kept heads. Exit code 1: something was found.

    Without --heads the live log is compared with heads.ndjson in NUDGE_DATA_DIR/audit.
    """
    with _errors():
        own = read_heads(kept) if kept else None
        outcome = (
            check_file(bundle, own, public_key or [])
            if bundle
            else _check_live(own, public_key or [])
        )
    if as_json:
        typer.echo(json.dumps(outcome.as_json()))
    else:
        typer.echo("\n".join(described(outcome)))
    if outcome.findings:
        raise typer.Exit(1)


def _check_live(kept: list[Head] | None, keys: list[str]) -> Outcome:
    with _core() as core, _log(core) as log, _progress("checked") as advance:
        beside = heads_file(core.addresses.data_dir)
        known = kept if kept is not None else read_heads(beside) if beside.is_file() else []
        trusted = trusted_keys(keys, (), core.signer.public_key)
        outcome = check_log(log, known, trusted, advance)
    notes = [*outcome.notes, *notes_on(kept, ["own"], outcome.heads)]
    return outcome._replace(notes=notes)


@contextmanager
def _errors() -> Iterator[None]:
    """What stops a command is one line on stderr and exit code 2."""
    try:
        yield
    except (SettingsError, KeyFileError, NoProofError, TreeDamagedError, UnusableError) as error:
        raise _failed(str(error)) from None
    except psycopg.Error as error:
        raise _failed(f"the event log does not answer: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise _failed(str(error)) from None


def _failed(why: str) -> typer.Exit:
    typer.echo(why, err=True)
    return typer.Exit(2)


@contextmanager
def _core() -> Iterator[Core]:
    with _errors():
        yield Core.of(load_settings(), "audit")


@contextmanager
def _log(core: Core) -> Iterator[Connection]:
    url = core.addresses.postgres_worker_url
    with connect(url, autocommit=True, application="nudge-audit") as connection:
        yield connection


@contextmanager
def _progress(verb: str) -> Iterator[_Advance]:
    columns = (TextColumn(f"events {verb}"), MofNCompleteColumn(), TimeElapsedColumn())
    drawn = _console.is_terminal
    with Progress(*columns, console=_console, transient=True, disable=not drawn) as bar:
        yield _Advance(bar)


class _Advance:
    """Counts events, and draws now and then."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)
        self._count = 0

    def __call__(self, count: int) -> None:
        self._count += count
        if self._count % 5_000 == 0:
            self._bar.update(self._task, completed=self._count)

"""`nudge backup` and `nudge restore`: the log and its keys, apart; everything else made anew."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import psycopg
import structlog
import typer
from rich.console import Console

from domain.shared.errors import UnavailableError
from infra.backup.manifest import BackupError
from infra.backup.pruning import prune as prune_keys
from infra.backup.restoring import Restore, place_key_files, read_parts
from infra.backup.saving import back_up
from infra.backup.stores import running_stores
from infra.bootstrap import Core
from infra.cli.grouping import with_default
from infra.kafka import KafkaUnavailableError
from infra.ledger import lookbacks
from infra.local.addresses import resolve
from infra.local.errors import StackError
from infra.local.state import running_state
from infra.settings import Settings, SettingsError, load_settings

_console = Console()
_errors = Console(stderr=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
LogFolder = Annotated[Path, typer.Argument(help="Log, state and the key of address hashes.")]
KeyFolder = Annotated[Path, typer.Argument(help="Keys of people, the master and signing keys.")]
backup = typer.Typer(
    cls=with_default("make"),
    no_args_is_help=True,
    help="Back up the product (nudge backup LOG_FOLDER KEY_FOLDER), prune key backups; after a "
    "restore: what campaigns still have to ask.",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(backup, name="backup")
    app.command()(restore)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except (
        BackupError, SettingsError, StackError, UnavailableError, KafkaUnavailableError,
        psycopg.OperationalError,
    ) as error:  # fmt: skip
        _errors.print(str(error).splitlines()[0])
        raise typer.Exit(1) from None


@backup.command()
def make(log_folder: LogFolder, key_folder: KeyFolder, as_json: JsonOption = False) -> None:
    """Back up into two new folders, while everything goes on. Keep them apart from each other.

    The erasure ledger is in neither: keep a copy of it apart from both.
    """
    began = time.monotonic()
    with _one_line_errors():
        core = Core.of(load_settings(), "cli")
        with core.pool.connection() as connection:
            core.erasures.catch_up(connection)
            core.departures.catch_up(connection)
        with _errors.status("backing up") as status:
            saved = back_up(core, log_folder.absolute(), key_folder.absolute(), status.update)
    seconds = time.monotonic() - began
    report = {
        "backup_id": saved.manifest.backup_id,
        "position": saved.manifest.position,
        "events": saved.manifest.events,
        "log_bytes": saved.log_bytes,
        "key_bytes": saved.key_bytes,
        "seconds": round(seconds, 2),
        "ledger": str(core.addresses.erasure_ledger_file),
    }
    if as_json:
        typer.echo(json.dumps(report))
        return
    _console.print(
        f"{saved.manifest.events:,} events, up to position {saved.manifest.position:,}, in "
        f"{seconds:.1f} s: {saved.log_bytes / 1e6:.1f} MB in {log_folder}, keys in {key_folder}"
    )
    _console.print(f"keep {report['ledger']} as well, apart from both")


@backup.command()
def prune(
    key_folders: Annotated[list[Path], typer.Argument(help="Key folders of earlier backups.")],
    as_json: JsonOption = False,
) -> None:
    """Drop keys of erased people, and of organizations that left, from backups made before."""
    report: dict[str, int] = {}
    with _one_line_errors():
        core = Core.of(load_settings(), "cli")
        entries = core.erasures.ledger.entries()
        people = [entry for entry in entries if not entry.whole_organization]
        gone = {key for entry in people for key in entry.statement["keys_destroyed"]}
        gone |= {entry.subject for entry in entries if entry.whole_organization}
        for folder in key_folders:
            report[str(folder)] = prune_keys(folder, gone, core.signer)
    if as_json:
        typer.echo(json.dumps(report))
        return
    for name, dropped in report.items():
        _console.print(f"{name}: {dropped} keys dropped")


@backup.command()
def looks(
    same_server: Annotated[
        UUID | None,
        typer.Option(
            help="An organization whose token was replaced since, and no other server connected."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Restored campaigns that ask Postmark what they have sent, before they send anything.

    When the token of the backup is not valid any more and --same-server names the organization,
    its campaigns ask with the newest one only.
    """
    with _one_line_errors():
        core = Core.of(load_settings(), "cli")
        with core.pool, core.pool.connection() as connection:
            changed = lookbacks.same_server(connection, same_server) if same_server else 0
            found = lookbacks.waiting(connection)
    if same_server and not changed:
        _errors.print(f"organization {same_server} has no campaign that must look back")
        raise typer.Exit(1)
    if as_json:
        items = [{**each._asdict(), "since": each.since.isoformat()} for each in found]
        typer.echo(json.dumps({"items": items, "total": len(items)}))
        return
    for each in found:
        _console.print(
            f"campaign {each.campaign_id} of {each.organization_id} since {each.since:%Y-%m-%d}: "
            f"{each.problem or 'begins soon'}"
        )
    _console.print(f"{len(found)} campaigns wait to look back")


def restore(
    log_folder: LogFolder,
    key_folder: KeyFolder,
    ledger: Annotated[
        Path | None, typer.Option(exists=True, help="The erasure ledger, when it is not in place.")
    ] = None,
    without_ledger: Annotated[
        bool, typer.Option("--without-ledger", help="Nobody was ever erased here.")
    ] = False,
    keep_running: Annotated[
        bool,
        typer.Option(
            "--keep-running",
            help="Campaigns go on: only right when nothing was sent after the backup.",
        ),
    ] = False,
    admin_url: Annotated[
        str | None, typer.Option(help="For an external Postgres: a superuser's address.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty stack that is stopped; then: nudge up.

    What the ledger says was erased or deleted goes once more; running campaigns wait for a person.
    """
    began = time.monotonic()
    with _one_line_errors():
        manifest = read_parts(log_folder.absolute(), key_folder.absolute())
        settings = load_settings()
        _ready_to_restore(settings, log_folder, key_folder, ledger, without_ledger=without_ledger)
        core = Core.of(settings, "restore")
        task = Restore(core, log_folder.absolute(), key_folder.absolute(), manifest, admin_url)
        status = _errors.status("starting Postgres and Kafka")
        with logs_to_stderr(), status, running_stores(settings, core.addresses):
            done = task.run(status.update, keep_running=keep_running)
            core.pool.close()
    seconds = round(time.monotonic() - began, 2)
    if as_json:
        typer.echo(json.dumps({**done._asdict(), "seconds": seconds}))
        return
    _console.print(
        f"{done.events:,} events restored in {seconds} s, up to position {done.position:,}; "
        f"{done.erased_again} erasures and {done.departed_again} deletions of organizations "
        f"carried out again, {done.sessions_ended} sessions ended, {done.paused} campaigns paused, "
        f"{done.unanswered} messages left to be said again; {done.looking_back} campaigns ask "
        "Postmark what has left before they send anything"
    )
    _console.print("start it with nudge up: read models and analytics are made anew")


@contextmanager
def logs_to_stderr() -> Iterator[None]:
    """What the relay says while it works is no part of the answer."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)


def _ready_to_restore(
    settings: Settings,
    log_folder: Path,
    key_folder: Path,
    ledger: Path | None,
    *,
    without_ledger: bool,
) -> None:
    """Refuse what cannot work, and put key files and ledger in their places."""
    data_dir = settings.data_dir.absolute()
    if running_state(data_dir) is not None:
        raise BackupError("the stack is running: stop it first with nudge down")
    if settings.postgres_url is None and (data_dir / "postgres" / "data").exists():
        raise BackupError(f"{data_dir} holds a database already: restore into an empty folder")
    if settings.kafka_bootstrap is None and (data_dir / "kafka").exists():
        raise BackupError(f"{data_dir} holds a Kafka already: restore into an empty folder")
    wanted = {
        "secret.key": settings.secret_key_file,
        "master.key": settings.master_key_file,
        "signing.key": settings.signing_key_file,
    }
    place_key_files(
        log_folder, key_folder,
        {name: given or data_dir / "keys" / name for name, given in wanted.items()},
    )  # fmt: skip
    place = resolve(settings).erasure_ledger_file
    if ledger is not None and ledger.absolute() != place:
        if place.exists():
            raise BackupError(f"{place} is there already: which ledger counts?")
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy(ledger, place)
    if not place.exists() and not without_ledger:
        raise BackupError(
            f"the erasure ledger is not at {place}: give it with --ledger, or say "
            "--without-ledger if nobody was ever erased"
        )

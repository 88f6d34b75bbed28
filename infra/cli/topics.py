"""`nudge topics`: which topics are in use, and new ones filled from the log in their place."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import psycopg
import typer
from confluent_kafka import KafkaException
from rich.console import Console

from infra import topic_versions
from infra.backup.manifest import BackupError
from infra.backup.stores import running_stores
from infra.bootstrap import Core
from infra.carrying import NotCarriedError
from infra.cli.backup import logs_to_stderr
from infra.kafka import KafkaUnavailableError, TopicMismatchError
from infra.letters.reading import BadLetterError
from infra.local.addresses import resolve
from infra.local.errors import StackError
from infra.local.state import running_state
from infra.master_keys import KeyFileError
from infra.postgres import connect
from infra.renewing.copying import NotCopiedError
from infra.renewing.renewal import Renewal, RenewalError, Renewed
from infra.settings import Settings, SettingsError, load_settings

_console = Console()
_errors = Console(stderr=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
_PREFIX = re.compile(r"[a-zA-Z0-9._-]{1,100}")
_REFUSED = (
    BackupError,
    BadLetterError,
    KafkaException,
    KafkaUnavailableError,
    KeyFileError,
    NotCarriedError,
    NotCopiedError,
    RenewalError,
    SettingsError,
    StackError,
    TopicMismatchError,
    psycopg.OperationalError,
    topic_versions.WrongTopicsError,
)
topics = typer.Typer(help="Versions of the Kafka topics.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(topics, name="topics")


@topics.command("list")
def list_versions(as_json: JsonOption = False) -> None:
    """The prefixes of the topics that were in use, and of those that are."""
    with _one_line_errors(), connect(resolve(load_settings()).postgres_worker_url) as connection:
        known = topic_versions.versions(connection)
    if as_json:
        items = [{"prefix": each.prefix, "since": each.began_at.isoformat()} for each in known]
        typer.echo(json.dumps({"items": items, "in_use": known[-1].prefix if known else None}))
        return
    for each in known:
        note = "in use" if each is known[-1] else "not in use any more"
        _console.print(f"'{each.prefix}' since {each.began_at:%Y-%m-%d %H:%M}: {note}")
    if not known:
        _console.print("nothing was started yet")


@topics.command()
def renew(
    prefix: Annotated[str, typer.Argument(help="Of the new topics; never used before.")],
    as_json: JsonOption = False,
) -> None:
    """Fill new topics from the log and bring the consumers over, while the product is stopped.

    Ended early, it changes nothing that is in use: run it again with the same prefix.
    """
    if not _PREFIX.fullmatch(prefix):
        raise typer.BadParameter("a prefix has letters, digits, '.', '_' and '-'")
    began = time.monotonic()
    with _one_line_errors():
        settings = load_settings()
        _refuse_while_it_runs(settings)
        core = Core.of(settings, "renew")
        status = _errors.status("starting Postgres and Kafka")
        with logs_to_stderr(), status, running_stores(settings, core.addresses):
            done = Renewal(core, prefix).run(status.update)
    _show(done, prefix, round(time.monotonic() - began, 2), as_json=as_json)


def _refuse_while_it_runs(settings: Settings) -> None:
    if running_state(settings.data_dir.absolute()) is not None:
        raise StackError("the stack is running: stop it first with nudge down")


def _show(done: Renewed, prefix: str, seconds: float, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"prefix": prefix, **done._asdict(), "seconds": seconds}))
        return
    _console.print(
        f"{done.events:,} events on new topics, compared with the log up to position "
        f"{done.position:,}, and {done.copied:,} records that are in no log, in {seconds} s; "
        f"{done.positions:,} positions of consumers brought over"
    )
    _console.print(f"now set NUDGE_TOPIC_PREFIX={prefix} for every process, and start them")
    _console.print(
        "the old topics stay until you delete them: " + ", ".join(done.old), soft_wrap=True
    )


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except _REFUSED as error:
        typer.echo(str(error).splitlines()[0], err=True)
        raise typer.Exit(1) from None

"""`nudge replay`: the log or Kafka again, to the screen, a file or a new topic."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infra.cli.events import line
from infra.kafka import KafkaUnavailableError
from infra.local.addresses import Addresses, resolve
from infra.postgres import Connection, connect
from infra.replay.from_kafka import FromKafka, is_raw
from infra.replay.from_log import FromLog, first_from, last_until, moment_of
from infra.replay.records import Replayed, ReplayError, Selection, Sink, Source
from infra.replay.to_file import SUFFIXES, AvroFile, NdjsonFile, mend, shown
from infra.replay.to_topic import NewTopicSink
from infra.settings import Settings, SettingsError, load_settings
from schemas.codec import Codec, UnreadableEventError
from schemas.registry import default_registry

_console = Console()
_errors = Console(stderr=True)
_Many = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


class Screen:
    """Lines on standard output: for people, or JSON."""

    def __init__(self, codec: Codec, *, as_json: bool) -> None:
        self._codec = codec
        self._as_json = as_json

    def write(self, records: Sequence[Replayed]) -> None:
        """Print them."""
        for record in records:
            if self._as_json or record.topic not in self._codec.registry.topics:
                typer.echo(json.dumps(shown(self._codec, record), ensure_ascii=False))
            else:
                event = self._codec.decode(record.value, record.position, None)
                _console.print(line(event), soft_wrap=True)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Asked:
    """What was asked for, and what it takes."""

    settings: Settings
    addresses: Addresses
    connection: Connection
    codec: Codec
    selection: Selection
    file: Path | None
    to_topic: str | None
    append: bool
    as_json: bool


def replay(
    source: Annotated[Literal["log", "kafka"], typer.Option(help="Where from.")] = "log",
    start: Annotated[
        str | None, typer.Option("--from", help="First position, or a time; else the beginning.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last position, or a time; else what is there now.")
    ] = None,
    types: Annotated[_Many, typer.Option("--type", help="Only these event types.")] = None,
    topics: Annotated[_Many, typer.Option("--topic", help="Only these topics.")] = None,
    stream: Annotated[UUID | None, typer.Option(help="Only this stream.")] = None,
    organization: Annotated[UUID | None, typer.Option(help="Only this organization.")] = None,
    file: Annotated[Path | None, typer.Option(help="Into a .ndjson or .avro file.")] = None,
    to_topic: Annotated[str | None, typer.Option(help="Into a new topic of this name.")] = None,
    append: Annotated[bool, typer.Option(help="Go on behind what the file or topic has.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Everything that happened, once more, from any position or time; it changes nothing else.

    Personal fields stay sealed. Ctrl-C says where to go on.
    """
    with _problems(), _opened() as (settings, addresses, connection):
        selection = Selection(
            1, 0, frozenset(types or ()), frozenset(topics or ()),
            str(stream) if stream else None, str(organization) if organization else None,
        )  # fmt: skip
        asked = Asked(
            settings, addresses, connection, Codec(default_registry(), os.urandom), selection,
            file, to_topic, append, as_json,
        )  # fmt: skip
        raw = source == "kafka" and is_raw(asked.codec.registry, selection.topics)
        if not raw:
            bounds = first_from(connection, start), last_until(connection, end)
            asked = replace(asked, selection=replace(selection, start=bounds[0], end=bounds[1]))
        sink, last = _sink(asked, raw=raw)
        begin = max(asked.selection.start, last + 1)
        asked = replace(asked, selection=replace(asked.selection, start=begin))
        _run(asked, _source(asked, source, start, end, raw=raw), sink)


def _source(asked: Asked, source: str, start: str | None, end: str | None, *, raw: bool) -> Source:
    registry = asked.codec.registry
    if source == "log":
        return FromLog(asked.connection, registry, asked.selection)
    return FromKafka(
        asked.addresses.kafka_bootstrap, asked.settings.topic_prefix, registry, asked.selection,
        since=moment_of(start) if raw else None, before=moment_of(end) if raw else None,
    )  # fmt: skip


def _sink(asked: Asked, *, raw: bool) -> tuple[Sink, int]:
    """Where to, and the last position that is there already."""
    if asked.file is not None and asked.to_topic is not None:
        raise ReplayError("--file or --to-topic, not both")
    if asked.append and (raw or (asked.file is None and asked.to_topic is None)):
        raise ReplayError("--append goes on with a file or topic of events")
    if asked.to_topic is not None:
        bootstrap, prefix = asked.addresses.kafka_bootstrap, asked.settings.topic_prefix
        made = NewTopicSink(bootstrap, prefix, asked.to_topic, append=asked.append)
        return made, made.last
    if asked.file is None:
        return Screen(asked.codec, as_json=asked.as_json), 0
    return _file_sink(asked, asked.file, raw=raw)


def _file_sink(asked: Asked, file: Path, *, raw: bool) -> tuple[Sink, int]:
    if file.suffix not in SUFFIXES:
        raise ReplayError(f"{file.name}: give a {' or '.join(SUFFIXES)} file")
    if raw and file.suffix == ".avro":
        raise ReplayError("raw records go into .ndjson files")
    if file.exists() and not asked.append:
        raise ReplayError(f"{file.name} is there; go on with it with --append")
    last = mend(file)
    if file.suffix == ".ndjson":
        return NdjsonFile(file, asked.codec), last
    registry = asked.codec.registry
    return AvroFile(file, registry, sorted(asked.selection.wanted_types(registry))), last


def _run(asked: Asked, source: Source, sink: Sink) -> None:
    """Move everything, saying how far it is; on Ctrl-C where to go on."""
    first, written = asked.selection.start, 0
    total = max(asked.selection.end - first + 1, 0) or None
    quiet = not _errors.is_terminal or isinstance(sink, Screen)
    columns = (TextColumn("positions"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=_errors, disable=quiet) as progress:
            bar = progress.add_task("", total=total)
            for records in source.read():
                sink.write(records)
                written += len(records)
                progress.update(bar, completed=max(source.reached - first + 1, 0))
    except KeyboardInterrupt:
        _errors.print(f"stopped; go on with --from {source.reached + 1}")
        raise typer.Exit(130) from None
    finally:
        sink.close()
    if not isinstance(sink, Screen):
        _say_what_was_done(asked, written, source.reached + 1)


def _say_what_was_done(asked: Asked, written: int, following: int) -> None:
    """Raw records have no position to go on from."""
    raw = not asked.selection.end
    if asked.as_json:
        typer.echo(json.dumps({"records": written, "next_from": None if raw else following}))
    else:
        where = "" if raw else f"; what follows begins at {following}"
        _console.print(f"{written:,} records{where}")


@contextmanager
def _opened() -> Iterator[tuple[Settings, Addresses, Connection]]:
    settings = load_settings()
    addresses = resolve(settings)
    url = addresses.postgres_worker_url
    with connect(url, autocommit=True, application="nudge-replay") as connection:
        yield settings, addresses, connection


@contextmanager
def _problems() -> Iterator[None]:
    """What keeps a replay from going on, in one line."""
    try:
        yield
    except (SettingsError, ReplayError, KafkaUnavailableError, UnreadableEventError) as error:
        _end(str(error))
    except psycopg.OperationalError as error:
        _end(f"the event log does not answer: {str(error).splitlines()[0]}")
    except OSError as error:
        _end(f"{error.filename or ''}: {error.strerror}")


def _end(message: str) -> None:
    _errors.print(escape(message), soft_wrap=True)
    raise typer.Exit(1) from None

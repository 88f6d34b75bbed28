"""`nudge dlq`: records that a consumer could not handle, and what is decided about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer
from psycopg_pool import PoolTimeout
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from domain.shared.errors import DomainError
from infra.cli.events import shown
from infra.kafka import KafkaUnavailableError
from infra.letters.desk import LetterDesk
from infra.letters.handling import UnknownConsumerError
from infra.letters.reading import BadLetterError, Letter
from infra.letters.wiring import Office
from infra.settings import SettingsError, load_settings
from projections.postgres.refolding import NotPassedError
from schemas.codec import UnreadableEventError, to_datetime
from streams.poison import TRANSIENT
from streams.ports import DeadLettersUnavailableError

_console = Console()
dlq = typer.Typer(help="Dead letters.", no_args_is_help=True)
_Topic = Annotated[str | None, typer.Option(help="Only about records of this topic.")]
_Consumer = Annotated[str | None, typer.Option(help="Only those of this consumer.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
_Ids = Annotated[list[str] | None, typer.Argument(help="Letters, such as delivery-events:12.")]
_All = Annotated[bool, typer.Option("--all", help="Every open letter that the options leave.")]
_LONGEST_BODY = 2_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(dlq, name="dlq")


@dlq.command("list")
def list_letters(
    topic: _Topic = None, consumer: _Consumer = None, as_json: _AsJson = False
) -> None:
    """Letters about which nobody has decided: reason, origin, consumer, age."""
    with _office() as office:
        letters = _chosen(office, topic, consumer)
        if as_json:
            typer.echo(json.dumps({"items": [_shown(each) for each in letters]}))
            return
        table = Table("letter", "age", "origin", "consumer", "reason", box=None)
        for each in letters:
            age = str(datetime.now(UTC) - each.at).split(".")[0]
            table.add_row(each.id, age, each.origin, each.consumer, escape(each.reason))
        _console.print(table if letters else "no dead letters", soft_wrap=True)


@dlq.command()
def show(
    letter: Annotated[str, typer.Argument(help="A letter, such as delivery-events:12.")],
    as_json: _AsJson = False,
) -> None:
    """One letter: reason, origin, trace, what is in the record, what was decided."""
    with _office() as office:
        found = office.letter(letter)
        decisions = [
            {
                "event": event.type,
                "position": event.position,
                "at": to_datetime(event.occurred_at).isoformat(),
                "actor": event.actor,
                **event.data,
            }
            for event in office.desk.history(found)
        ]
        shown = {**_shown(found), **_contents(office, found), "decisions": decisions}
        if as_json:
            typer.echo(json.dumps(shown, ensure_ascii=False))
            return
        for name, value in shown.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            _console.print(f"[bold]{name}[/] {escape(text)}", soft_wrap=True)


@dlq.command()
def retry(
    letters: _Ids = None,
    everything: _All = False,
    topic: _Topic = None,
    consumer: _Consumer = None,
    as_json: _AsJson = False,
) -> None:
    """Hand records to the consumer that put them aside, and to no other.

    One that fails again stays listed, as a new letter with its new reason; the exit code is then 1.
    """
    with _office() as office, _reported(as_json) as outcomes:
        chosen = _asked_for(office, letters, everything, topic, consumer)
        for each in _with_progress(chosen, as_json):
            outcomes.append({**_shown(each), **_tried(office.desk, each)})
    if any(outcome["outcome"] != "handled" for outcome in outcomes):
        raise typer.Exit(1)


@dlq.command()
def drop(
    because: Annotated[str, typer.Option(help="Why the record can be given up; kept for audits.")],
    letters: _Ids = None,
    everything: _All = False,
    topic: _Topic = None,
    consumer: _Consumer = None,
    as_json: _AsJson = False,
) -> None:
    """Give records up for good. The letters stay readable until their topic lets them go."""
    with _office() as office, _reported(as_json) as outcomes:
        chosen = _asked_for(office, letters, everything, topic, consumer)
        for each in _with_progress(chosen, as_json):
            office.desk.drop(each, because)
            outcomes.append({**_shown(each), "outcome": "dropped"})


# --- the parts ----------------------------------------------------------------------------------


@contextmanager
def _office() -> Iterator[Office]:
    """The stores; whatever keeps a command from being carried out ends it with one line."""
    try:
        office = Office.of(load_settings())
        try:
            yield office
        finally:
            office.close()
    except (SettingsError, BadLetterError, KafkaUnavailableError) as error:
        _end(str(error))
    except DomainError as error:
        _end(f"{error.code}: {error}")
    except (DeadLettersUnavailableError, psycopg.OperationalError, PoolTimeout) as error:
        _end(f"a store does not answer, no other letter was decided: {str(error).splitlines()[0]}")
    except TRANSIENT as error:
        _end(f"try again: {error}")


@contextmanager
def _reported(as_json: bool) -> Iterator[list[dict[str, Any]]]:
    """What was decided is told, also when the command ends in the middle of it."""
    outcomes: list[dict[str, Any]] = []
    try:
        yield outcomes
    except BaseException:
        if outcomes:
            _report(outcomes, as_json)
        raise
    _report(outcomes, as_json)


def _end(message: str) -> None:
    _console.print(escape(message), soft_wrap=True)
    raise typer.Exit(1) from None


def _chosen(office: Office, topic: str | None, consumer: str | None) -> list[Letter]:
    letters = office.letters([topic] if topic else None)
    return [each for each in letters if consumer in (None, each.consumer)]


def _asked_for(
    office: Office, ids: list[str] | None, everything: bool, topic: str | None, consumer: str | None
) -> list[Letter]:
    if bool(ids) == everything:
        _end("name letters, or say --all")
    if ids:
        return [office.letter(each) for each in ids]
    return _chosen(office, topic, consumer)


def _with_progress(letters: Sequence[Letter], as_json: bool) -> Iterator[Letter]:
    with Progress(console=Console(stderr=True), disable=as_json or len(letters) < 2) as progress:
        yield from progress.track(letters, description="letters")


def _tried(desk: LetterDesk, letter: Letter) -> dict[str, Any]:
    try:
        failure = desk.retry(letter).failure
    except (NotPassedError, UnknownConsumerError) as error:
        return {"outcome": "refused", "reason": str(error)}
    if failure is None:
        return {"outcome": "handled"}
    return {"outcome": "failed", "reason": failure}


def _report(outcomes: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"items": outcomes}))
        return
    for each in outcomes:
        why = f": {each['reason']}" if each["outcome"] in ("failed", "refused") else ""
        _console.print(escape(f"{each['letter']} {each['outcome']}{why}"), soft_wrap=True)
    if not outcomes:
        _console.print("no dead letters")


def _shown(letter: Letter) -> dict[str, Any]:
    return {
        "letter": letter.id,
        "at": letter.at.isoformat(),
        "origin": letter.origin,
        "consumer": letter.consumer,
        "organization": letter.record.headers.get("organization", b"").decode(errors="replace"),
        "reason": letter.reason,
    }


def _contents(office: Office, letter: Letter) -> dict[str, Any]:
    """Headers, trace, and the record: an event with its personal fields sealed, else its text."""
    headers = {
        name: value.decode(errors="replace") for name, value in letter.record.headers.items()
    }
    return {
        "headers": headers,
        "record": _record(office, letter),
        "trace": letter.trace,
    }


def _record(office: Office, letter: Letter) -> Any:
    value = letter.record.value
    if letter.record.topic not in office.core.codec.registry.topics:
        return value[:_LONGEST_BODY].decode(errors="replace")
    try:
        return shown(office.core.codec.decode(value, 0, None))
    except UnreadableEventError as error:
        return {"unreadable": str(error), "bytes": value[:_LONGEST_BODY].hex()}

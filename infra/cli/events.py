"""`nudge events tail`: what happens, as the log takes it; personal fields stay sealed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.markup import escape

from infra.local.addresses import resolve
from infra.postgres import Connection, connect
from infra.settings import SettingsError, load_settings
from schemas.codec import Codec, Event, to_datetime
from schemas.registry import default_registry

_console = Console()
events = typer.Typer(help="Events.", no_args_is_help=True)
_NEXT = """
    SELECT bytes, position FROM log.events
    WHERE position > %(after)s AND (%(type)s::text IS NULL OR type = %(type)s)
      AND (%(stream)s::uuid IS NULL OR stream_id = %(stream)s)
    ORDER BY position LIMIT 500
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(events, name="events")


@events.command()
def tail(
    type: Annotated[str | None, typer.Option(help="Only this type, such as ReplyGiven.")] = None,  # noqa: A002
    stream: Annotated[UUID | None, typer.Option(help="Only this stream.")] = None,
    start: Annotated[
        int | None, typer.Option("--from", min=0, help="From this position; else from now on.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Decoded events as they come, until Ctrl-C."""
    try:
        url = resolve(load_settings()).postgres_worker_url
        for event in follow(url, type, stream, start):
            if as_json:
                typer.echo(json.dumps(shown(event), ensure_ascii=False))
            else:
                _console.print(line(event), soft_wrap=True)
    except SettingsError as error:
        _console.print(str(error))
        raise typer.Exit(1) from None
    except psycopg.OperationalError as error:
        _console.print(f"the event log does not answer: {str(error).splitlines()[0]}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def follow(
    url: str, event_type: str | None, stream: UUID | None, start: int | None
) -> Iterator[Event]:
    """Events from a position, or from now on, in order, for ever. Blocks between them."""
    codec = Codec(default_registry(), bytes)
    with connect(url, autocommit=True, application="nudge-tail") as connection:
        connection.execute("LISTEN nudge_events")
        after = _last(connection) if start is None else start - 1
        while True:
            rows: list[tuple[bytes, int]] = connection.execute(
                _NEXT, {"after": after, "type": event_type, "stream": stream}
            ).fetchall()
            for event in codec.decode_batch(rows, None):
                after = event.position
                yield event
            if not rows:
                for _ in connection.notifies(timeout=5.0, stop_after=1):
                    pass


def _last(connection: Connection) -> int:
    row = connection.execute("SELECT coalesce(max(position), 0) FROM log.events").fetchone()
    return int(row[0]) if row else 0


def shown(event: Event) -> dict[str, Any]:
    """An event as JSON can say it."""
    return {
        "position": event.position,
        "type": event.type,
        "stream": event.stream_id,
        "version": event.version,
        "organization_id": event.organization_id,
        "occurred_at": to_datetime(event.occurred_at).isoformat(),
        "actor": event.actor,
        "correlation_id": event.correlation_id,
        "data": {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in event.data.items()
        },
    }


def line(event: Event) -> str:
    """An event in one line, in rich's markup."""
    at = to_datetime(event.occurred_at)
    data = escape(json.dumps(shown(event)["data"], ensure_ascii=False))
    return (
        f"[dim]{event.position:>8} {at:%H:%M:%S}[/] [bold cyan]{event.type}[/]"
        f" [dim]{event.stream_id} v{event.version}[/] {data}"
    )

"""`nudge webhooks`: where webhooks are missing, and healing that begins at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from infra.local.addresses import resolve
from infra.postgres import Connection, connect
from infra.settings import SettingsError, load_settings

_console = Console()
webhooks = typer.Typer(help="Webhooks that never came.", no_args_is_help=True)
Organization = Annotated[UUID | None, typer.Option(help="Only this organization.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_STANDING: Final = """
    SELECT a.organization_id, a.rounds, a.finished_at, a.next_at, a.problem, a.found,
        (SELECT count(*) FROM state.batch_audits b
            WHERE b.organization_id = a.organization_id AND NOT b.done),
        (SELECT count(*) FROM state.batch_audits b WHERE b.organization_id = a.organization_id
            AND NOT b.done AND (b.next_at <= now() OR b.under_way))
    FROM state.webhook_audits a
    WHERE %(organization)s::uuid IS NULL OR a.organization_id = %(organization)s
    ORDER BY a.organization_id
"""
_BEGIN: Final = """
    WITH batches AS (UPDATE state.batch_audits SET next_at = least(next_at, now())
        WHERE NOT done AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s))
    UPDATE state.webhook_audits SET next_at = least(next_at, now())
    WHERE %(organization)s::uuid IS NULL OR organization_id = %(organization)s
    RETURNING organization_id
"""


class Standing(NamedTuple):
    """Where healing stands for one organization. `found`: missing observations so far, by kind.

    `batches` are watched because messages of theirs are silent; `due` of them are looked up now.
    """

    organization_id: str
    rounds: int
    finished_at: datetime | None
    next_at: datetime
    problem: str
    found: dict[str, int]
    batches: int
    due: int


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(webhooks, name="webhooks")


@webhooks.command()
def gaps(organization: Organization = None, as_json: AsJson = False) -> None:
    """What was found missing so far, and when each organization is compared again."""
    with _log() as connection:
        _show(standings(connection, organization), as_json=as_json)


@webhooks.command()
def heal(
    organization: Organization = None,
    patience: Annotated[
        int, typer.Option(min=1, help="Seconds to wait; healing goes on afterwards.")
    ] = 600,
    as_json: AsJson = False,
) -> None:
    """Compare with Postmark now, and wait until what is missing was fetched."""
    with _log() as connection:
        before = {s.organization_id: s.rounds for s in standings(connection, organization)}
        connection.execute(_BEGIN, {"organization": organization})
        connection.execute("NOTIFY nudge_healing")
        done = _wait(connection, organization, before, patience, quiet=as_json)
        _show(standings(connection, organization), as_json=as_json)
    if not done:
        _console.print("not finished yet: `nudge webhooks gaps` shows how it goes on")
        raise typer.Exit(1)


def standings(connection: Connection, organization: UUID | None) -> list[Standing]:
    """Every organization's, or one's."""
    rows = connection.execute(_STANDING, {"organization": organization}).fetchall()
    return [Standing(*row) for row in rows]


def _wait(
    connection: Connection, organization: UUID | None, before: dict[str, int], patience: int,
    *, quiet: bool,
) -> bool:  # fmt: skip
    """Until each organization was compared once more and no batch is due."""
    deadline = time.monotonic() + patience
    with Progress(console=_console, disable=quiet, transient=True) as progress:
        bar = progress.add_task("comparing with Postmark", total=max(1, len(before)))
        while time.monotonic() < deadline:
            now = standings(connection, organization)
            done = [s for s in now if s.rounds > before.get(s.organization_id, -1) and not s.due]
            progress.update(bar, completed=len(done), description=f"{_sum(now)} fetched")
            if len(done) == len(now):
                return True
            time.sleep(0.2)
    return False


def _sum(found: list[Standing]) -> int:
    return sum(sum(each.found.values()) for each in found)


def _show(found: list[Standing], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in found]))
        return
    if not found:
        _console.print("no organization with registered webhooks was compared yet")
        return
    table = Table("organization", "compared", "missing so far", "silent batches", "next", "problem")
    for each in found:
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(each.found.items())) or "nothing"
        table.add_row(
            each.organization_id, _clock(each.finished_at), counts, str(each.batches),
            _clock(each.next_at), each.problem,
        )  # fmt: skip
    _console.print(table)


def _plain(each: Standing) -> dict[str, Any]:
    finished = each.finished_at.isoformat() if each.finished_at else None
    return {**each._asdict(), "finished_at": finished, "next_at": each.next_at.isoformat()}


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if moment else "never"


@contextmanager
def _log() -> Iterator[Connection]:
    """A connection to the state of healing; what is wrong is one line."""
    try:
        url = resolve(load_settings()).postgres_worker_url
        with connect(url, autocommit=True, application="nudge-webhooks") as connection:
            yield connection
    except SettingsError as error:
        _console.print(str(error))
        raise typer.Exit(1) from None
    except psycopg.OperationalError as error:
        _console.print(f"the store does not answer: {str(error).splitlines()[0]}")
        raise typer.Exit(1) from None

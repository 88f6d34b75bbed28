"""`nudge projections`: read models rebuilt beside the live ones, compared, swapped, rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.master_keys import KeyFileError
from infra.rebuilding.analytics import AnalyticsDesk
from infra.rebuilding.desk import Comparison, Explained, PostgresDesk, load_view
from infra.settings import SettingsError, load_settings
from projections.rebuild.analytics_fill import PREFIX
from projections.rebuild.errors import RebuildError
from projections.rebuild.records import Part, Rebuild

_console = Console()
projections = typer.Typer(
    help="Read models: rebuild, compare, swap, roll back.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="A read model, as `nudge projections list` names it.")]
Desk = PostgresDesk | AnalyticsDesk
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(projections, name="projections")


@contextmanager
def _explained() -> Iterator[Callable[[str], Desk]]:
    """Desks by name of read model; what they refuse, and a store that is away, end the command
    with one line."""
    try:
        settings = load_settings()
        yield lambda name: (AnalyticsDesk if name.startswith(PREFIX) else PostgresDesk).of(settings)
    except (RebuildError, SettingsError, KeyFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except psycopg.OperationalError as error:
        typer.echo(f"Postgres does not answer: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
    except ClickHouseError as error:
        typer.echo(f"ClickHouse: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None


@projections.command("list")
def list_all(as_json: Json = False) -> None:
    """Every read model, and whether a shadow of it exists."""
    with _explained() as desk:
        both = [desk(""), desk(PREFIX)]
        shadows = {each.view: each for one in both for each, _, _ in one.status()}
        rows = [{"name": n, "shadow": _state(shadows.get(n))} for one in both for n in one.names]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        _console.print(f"{row['name']:<22} {row['shadow'] or '[dim]no shadow[/]'}")


@projections.command()
def status(as_json: Json = False) -> None:
    """How far every shadow is."""
    with _explained() as desk:
        found = [*desk("").status(), *desk(PREFIX).status()]
    if as_json:
        typer.echo(json.dumps([_as_json(*each) for each in found]))
        return
    if not found:
        _console.print("no shadows: nudge projections rebuild NAME makes one")
    for each, parts, current in found:
        events = sum(part.events for part in parts)
        position = min((part.position for part in parts), default=0)
        _console.print(
            f"{each.view:<22} {_state(each)}"
            + (f", at {position:,} of {each.high:,}" if each.state == "building" else "")
            + f", {events:,} events"
            + (", up to date" if current else "")
        )


@projections.command()
def rebuild(
    name: Name,
    as_of: Annotated[
        int | None, typer.Option(help="Only up to this position, for comparison.")
    ] = None,
    shares: Annotated[
        int | None, typer.Option(min=1, max=64, help="Worker processes; else one per core.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build a shadow from the log beside the live table; run it again to go on after a kill."""
    with _explained() as desk, _bar(quiet=as_json) as progress:
        say: Callable[[str], None] = (lambda _line: None) if as_json else _console.print
        made = desk(name).rebuild(name, as_of, shares=shares, say=say, progress=progress)
        found = next(each for each in desk(name).status() if each[0].view == name)
    if as_json:
        typer.echo(json.dumps(_as_json(*found)))
        return
    if made.as_of is not None:
        _console.print(f"{name} as of {made.as_of:,} is built: nudge projections diff {name}")
        return
    follows = " and follows the live one" if made.state == "following" else ""
    _console.print(f"the shadow of {name} is built{follows}")
    _console.print(f"next: nudge projections diff {name}, then nudge projections swap {name}")


@projections.command()
def diff(
    name: Name,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="So many rows are shown.")] = 20,
    old_fold: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The view's module as it was before."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare a read model with its shadow: rows, columns, and the event that made the difference.

    Exits with 1 when they differ.
    """
    with _explained() as desk:
        other = None if old_fold is None else load_view(old_fold)
        found = desk(name).diff(name, limit=limit, other=other)
    if as_json:
        typer.echo(json.dumps(_diff_json(found), default=str))
    else:
        _show(found)
    raise typer.Exit(0 if found.same else 1)


@projections.command()
def swap(name: Name, as_json: Json = False) -> None:
    """Make the shadow the live read model; the former one is kept current for a rollback."""
    _swap(name, as_json, back=False, done="swapped")


@projections.command()
def rollback(name: Name, as_json: Json = False) -> None:
    """Undo a swap at once."""
    _swap(name, as_json, back=True, done="rolled back")


@projections.command()
def discard(name: Name, as_json: Json = False) -> None:
    """Drop a shadow, finished or not."""
    with _explained() as desk:
        desk(name).discard(name)
    typer.echo(json.dumps({"name": name, "discarded": True}) if as_json else f"{name}: discarded")


def _swap(name: str, as_json: bool, *, back: bool, done: str) -> None:
    with _explained() as desk:
        tries = desk(name).swap(name, back=back)
    typer.echo(
        json.dumps({"name": name, "done": done, "tries": tries}) if as_json else f"{name}: {done}"
    )


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[Rebuild, list[Part]], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeElapsedColumn(),
    )
    with ExitStack() as shown:
        progress = Progress(*columns, console=_console, disable=quiet)
        task = progress.add_task("position", total=None, events=0)

        def told(rebuild: Rebuild, parts: list[Part]) -> None:
            if not (quiet or progress.live.is_started):  # not before: a refusal draws nothing
                shown.enter_context(progress)
            done = sum(part.position for part in parts) // max(1, len(parts))
            events = sum(part.events for part in parts)
            progress.update(task, completed=done, total=rebuild.high, events=events)

        yield told


def _state(each: Rebuild | None) -> str:
    if each is None:
        return ""
    if each.as_of is not None:
        return f"{each.state}, as of {each.as_of:,}"
    return f"{each.state}, swapped" if each.swapped else each.state


def _as_json(each: Rebuild, parts: list[Part], current: bool) -> dict[str, Any]:
    return {
        "name": each.view,
        "state": each.state,
        "as_of": each.as_of,
        "swapped": each.swapped,
        "position": min((part.position for part in parts), default=0),
        "high": each.high,
        "events": sum(part.events for part in parts),
        "up_to_date": current,
        "started_at": each.started_at,
    }


def _diff_json(found: Comparison) -> dict[str, Any]:
    return {
        "same": found.same,
        "as_of": found.as_of,
        "days": [
            {"day": str(each.day), "live": each.live, "shadow": each.shadow} for each in found.days
        ],
        "tables": [
            {
                "table": each.table,
                "rows": each.rows,
                "missing": each.missing,
                "extra": each.extra,
                "different": each.different,
                "later": each.later,
            }
            for each in found.tables
        ],
        "differences": [
            {
                "table": one.row.table,
                "key": one.row.key,
                "kind": one.row.kind,
                "columns": {
                    n: {
                        "live": (one.row.live or {}).get(n),
                        "shadow": (one.row.shadow or {}).get(n),
                    }
                    for n in one.row.columns
                },
                "event": one.event
                and {
                    "position": one.event.position,
                    "type": one.event.type,
                    "version": one.event.version,
                    "certain": one.event.certain,
                },
            }
            for one in found.explained
        ],
    }


def _show(found: Comparison) -> None:
    for each in found.tables:
        if each.same:
            text = f"{each.table}: {each.rows:,} rows, the same"
        else:
            text = (
                f"{each.table}: {each.rows:,} rows, {each.different:,} different,"
                f" {each.missing:,} missing in the live one, {each.extra:,} only there"
            )
        _console.print(text + (f"; {each.later:,} went on since" if each.later else ""))
    for day in found.days:
        _console.print(f"  {day.day}: {day.live:,} rows, {day.shadow:,} in the shadow")
    for one in found.explained:
        _console.print(_line(one), soft_wrap=True)


def _line(one: Explained) -> str:
    row = one.row
    lines = [f"\n[bold]{row.table}[/] {row.key}: {row.kind}"]
    if row.kind == "different":
        lines += [
            f"  {name}: live {escape(repr((row.live or {})[name]))},"
            f" shadow {escape(repr((row.shadow or {})[name]))}"
            for name in row.columns
        ]
    if one.event is not None:
        sure = "made by" if one.event.certain else "most likely made by"
        lines.append(f"  {sure} {one.event.type} at position {one.event.position}")
    return "\n".join(lines)

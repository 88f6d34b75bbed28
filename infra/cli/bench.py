"""`nudge bench`: measure, peers and ours in turns, and write the figures to docs/benchmarks.md."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from tests.benchmarks.bench import Bench, Benchmark
    from tests.benchmarks.report import Report

_CHECKOUT = Path(__file__).parents[2]
PAGE = _CHECKOUT / "docs" / "benchmarks.md"
_console = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all when none is given.")
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only name the benchmarks.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="A fraction of the work; the page stays as it is.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Measure this product beside its peers, on stores of its own, and keep the figures.

    Takes the machine for minutes; what else runs meanwhile makes the figures worse.
    """
    catalogue = _module("catalogue")
    if list_only:
        for benchmark in catalogue.BENCHMARKS.values():
            typer.echo(f"{benchmark.name:12} {benchmark.summary}")
        return
    try:
        failed = _run(_chosen(catalogue, names or []), quick=quick, as_json=as_json)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if failed:
        raise typer.Exit(1)


def _module(name: str) -> ModuleType:
    """A module of the benchmarks, which are part of the checkout and of no installation."""
    if str(_CHECKOUT) not in sys.path:
        sys.path.insert(0, str(_CHECKOUT))
    try:
        return import_module(f"tests.benchmarks.{name}")
    except ModuleNotFoundError as error:
        typer.echo(f"the benchmarks are part of the checkout, run nudge from it: {error}", err=True)
        raise typer.Exit(1) from None


def _chosen(catalogue: ModuleType, names: list[str]) -> list[Benchmark]:
    known: dict[str, Benchmark] = catalogue.BENCHMARKS
    for name in names:
        if name not in known:
            typer.echo(f"there is no benchmark {name}: {', '.join(known)}", err=True)
            raise typer.Exit(2)
    return [known[name] for name in names or known]


def _run(chosen: list[Benchmark], *, quick: bool, as_json: bool) -> int:
    """Run them one after the other; how many could not be measured."""
    tools, page = _module("bench"), _module("report")
    keep = load_settings().data_dir.absolute() / "bench"
    keep.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="nudge-bench-", ignore_cleanup_errors=True) as folder:
        run: Bench = tools.Bench(Path(folder), keep, quick, _say)
        try:
            for benchmark in chosen:
                machine = page.machine_now()
                _say(f"{benchmark.name}: {benchmark.summary} ({machine})")
                try:
                    report = benchmark.run(run)
                except tools.CannotMeasureError as error:
                    typer.echo(f"{benchmark.name}: {error}", err=True)
                    failed += 1
                    continue
                _show(report, as_json=as_json)
                if not quick:
                    section = report.as_section(machine, datetime.now(UTC))
                    page.write_section(PAGE, section)
        finally:
            run.close()
    return failed


def _say(line: str) -> None:
    _console.print(line, style="dim", highlight=False)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.as_json()))
        return
    table = Table("what", "measured", "target", "reached", title=report.title)
    for figure in report.figures:
        table.add_row(*figure.cells())
    console = Console()
    console.print(table)
    for note in report.notes:
        console.print(f"- {note}", highlight=False)

"""`nudge eval intents`: how well the offline recogniser understands sentences it never saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.replies.wiring import model_folder
from infra.settings import SettingsError, load_settings
from streams.recognition.evaluation import Report, Score, evaluate, read_labelled
from streams.recognition.offline import OfflineRecognizer

HELDOUT = Path(__file__).parents[2] / "tests" / "evaluation" / "heldout5.jsonl"


def register(app: typer.Typer) -> None:
    """Add the group `eval` to `nudge`."""
    group = typer.Typer(help="Measure the recogniser.", no_args_is_help=True)
    group.callback()(_group)
    group.command("intents")(intents)
    app.add_typer(group, name="eval")


def _group() -> None:
    """Measure the recogniser."""


def intents(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    file: Annotated[
        Path, typer.Option("--set", help="Labelled sentences, one JSON object a line.")
    ] = HELDOUT,
) -> None:
    """Recognise every labelled sentence once and print the counts, never the sentences."""
    try:
        sentences = read_labelled(file)
        folder = model_folder(load_settings())
    except (OSError, ValueError, KeyError) as problem:
        typer.echo(f"{file} cannot be read as labelled sentences: {problem}", err=True)
        raise typer.Exit(2) from problem
    except SettingsError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from problem
    report = evaluate(OfflineRecognizer.load(folder), sentences)
    if json_output:
        typer.echo(json.dumps(report.as_json()))
    else:
        _print(report, Console())


def _print(report: Report, console: Console) -> None:
    low, high = report.interval
    console.print(
        f"Intents: {report.right} of {report.sentences} right, {report.accuracy:.1%}"
        f" (95 % interval {low:.1%} to {high:.1%})"
    )
    console.print(f"Campaign types: {report.types_right} of {report.types_total} right")
    console.print(
        f"Slots: F1 {report.all_slots.f1:.3f} (precision {report.all_slots.precision:.3f},"
        f" recall {report.all_slots.recall:.3f}), exact per leaf"
    )
    console.print(_table("Intent", report.intents))
    console.print(_table("Slot", report.slots))
    console.print(_confusions("Intents taken for others", report.confusions))
    console.print(_confusions("Campaign types taken for others", report.type_confusions))
    wrongly = ", ".join(f"{intent} {count}" for intent, count in report.dangerous.items())
    console.print(f"Wrongly taken as a dangerous intent: {wrongly}")


def _table(title: str, scores: dict[str, Score]) -> Table:
    table = Table(title)
    for column in ("right", "wrong", "missed", "precision", "recall", "F1"):
        table.add_column(column, justify="right")
    for name, score in scores.items():
        rates = (f"{rate:.2f}" for rate in (score.precision, score.recall, score.f1))
        table.add_row(name, str(score.right), str(score.wrong), str(score.missed), *rates)
    return table


def _confusions(title: str, pairs: list[tuple[str, str, int]]) -> Table:
    table = Table("meant", "taken for", "times", title=title)
    for truth, answer, count in pairs:
        table.add_row(truth, answer, str(count))
    return table

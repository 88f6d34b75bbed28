"""Commands for the embedded stack: up, down, status, logs and env."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Protocol, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.cli.attach import (
    StopRequestedError,
    launch,
    stop,
    stop_requests,
    wait_until_ready,
    watch,
)
from infra.local.errors import StackError
from infra.local.logs import log_file
from infra.local.state import StackState, read_state, running_state
from infra.settings import Settings, SettingsError, load_settings

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
_console = Console()
_NO_PIPELINE: dict[str, Any] = {
    "lag": [],
    "dead_letters": {},
    "oldest_claim_seconds": None,
    "ambiguous": 0,
    "looking_back": [],
}


class Telemetry(Protocol):
    """What `nudge status` asks about the pipeline."""

    def pipeline_status(self, settings: Settings) -> dict[str, Any]:
        """The keys lag, dead_letters, oldest_claim_seconds, ambiguous and looking_back."""


class Demo(Protocol):
    """What `nudge up --demo` asks for."""

    def load(self, settings: Settings) -> None:
        """Load the demo once; later calls say that it is there."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, down, status, logs, env):
        app.command()(command)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What stops a command is one line on stderr and exit code 1."""
    try:
        yield
    except (StackError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready.")] = False,
    demo: Annotated[bool, typer.Option(help="Load the demo, once.")] = False,
) -> None:
    """Start the stack and wait until it is ready; on a running stack, attach to it."""
    with one_line_errors():
        settings = load_settings()
        data_dir = settings.data_dir.absolute()
        launched = None
        with stop_requests() as requests:
            try:
                if running_state(data_dir) is None:
                    launched = launch(settings, detached=detach)
                wait_until_ready(data_dir, launched, _console)
                _welcome(settings, detach=detach, demo=demo)
                if not detach:
                    watch(data_dir, _console)
            except StopRequestedError:
                requests.heard()
                _console.print("stopping")
                stop(data_dir, launched)


def _welcome(settings: Settings, *, detach: bool, demo: bool) -> None:
    base_url = _environment(settings.data_dir.absolute())["base_url"]
    _console.print(f"[bold]ready[/]: {base_url}")
    loader = _module("infra.demo") if demo else None
    if loader is not None:
        cast("Demo", loader).load(settings)
    if not detach:
        _console.print("Ctrl-C stops everything; nothing is lost.")


def down() -> None:
    """Stop the stack, losing nothing."""
    with one_line_errors():
        stopped = stop(load_settings().data_dir.absolute())
        typer.echo("stopped" if stopped else "it was not running")


def status(as_json: JsonOption = False) -> None:
    """What runs, what waits, and why something stopped."""
    with one_line_errors():
        settings = load_settings()
        report = status_report(settings)
    if as_json:
        typer.echo(json.dumps(report, default=str))
    else:
        _show_status(report)


def status_report(settings: Settings) -> dict[str, Any]:
    """The contract's shape; a process that holds several roles is listed once for each."""
    data_dir = settings.data_dir.absolute()
    running = running_state(data_dir)
    state = running or read_state(data_dir)
    telemetry = _module("infra.telemetry") if running else None
    pipeline = (
        cast("Telemetry", telemetry).pipeline_status(settings)
        if telemetry is not None and hasattr(telemetry, "pipeline_status")
        else _NO_PIPELINE
    )
    return {
        "processes": _processes(state, alive=running is not None) if state else [],
        "ready": running is not None and running.ready,
        **pipeline,
    }


def _processes(state: StackState, *, alive: bool) -> list[dict[str, Any]]:
    return [
        {
            "name": process.name,
            "role": role,
            "pid": process.pid if alive else None,
            "state": process.state if alive else "stopped",
            "restarts": process.restarts,
            "address": process.address,
            "started_at": process.started_at,
            "last_exit": process.last_exit,
            "reason": process.reason,
        }
        for process in state.processes
        for role in process.roles
    ]


def _show_status(report: dict[str, Any]) -> None:
    table = Table("role", "state", "pid", "restarts", "address", "last stop", box=None)
    for process in report["processes"]:
        pid = str(process["pid"] or "")
        reason = escape((process["reason"] or "")[:80])
        table.add_row(
            process["role"],
            process["state"],
            pid,
            str(process["restarts"]),
            process["address"],
            reason,
        )
    _console.print(table)
    for lag in report["lag"]:
        where = f"{lag['view']} {lag['topic']}/{lag['partition']}"
        _console.print(f"lag {where}: {lag['events']} events, {lag['seconds']} s")
    for topic, count in report["dead_letters"].items():
        _console.print(f"dead letters {topic}: {count}")
    claim = report["oldest_claim_seconds"]
    _console.print(f"oldest claim: {'none' if claim is None else f'{claim} s'}")
    _console.print(f"ambiguous: {report['ambiguous']}")
    for each in report["looking_back"]:
        why = each["problem"] or "it begins soon"
        _console.print(f"restored campaign {each['campaign_id']} looks back before it sends: {why}")
    _console.print("ready" if report["ready"] else "not ready")


def logs(
    role: Annotated[str, typer.Argument(help="A role, or supervisor, or prepare.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
) -> None:
    """The log of a role."""
    with one_line_errors():
        data_dir = load_settings().data_dir.absolute()
        log = _log_of(data_dir, role)
    try:
        _print_log(log, follow=follow)
    except KeyboardInterrupt:
        raise typer.Exit from None


def _log_of(data_dir: Path, role: str) -> Path:
    state = read_state(data_dir)
    processes = state.processes if state else []
    name = next((process.name for process in processes if role in process.roles), role)
    folder = data_dir / "logs"
    known = sorted(path.stem for path in folder.glob("*.log"))
    if name not in known:
        raise StackError(f"no log of {role}; there are: {', '.join(known) or 'none yet'}")
    return log_file(data_dir, name)


def _print_log(log: Path, *, follow: bool) -> None:
    """Print the file; when following, start again at the top of a new file after a rotation."""
    file = log.open(errors="replace")
    try:
        while True:
            typer.echo(file.read(), nl=False)
            if not follow:
                return
            time.sleep(0.3)
            if log.exists() and log.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = log.open(errors="replace")
    finally:
        file.close()


def env(as_json: JsonOption = False) -> None:
    """Addresses and credentials of the running local stack."""
    with one_line_errors():
        data_dir = load_settings().data_dir.absolute()
        if running_state(data_dir) is None:
            raise StackError("the stack is not running: start it with make up or nudge up")
        values = _environment(data_dir)
    if as_json:
        typer.echo(json.dumps(values))
    else:
        for name, value in values.items():
            typer.echo(f"{name}={value}")


def _environment(data_dir: Path) -> dict[str, str]:
    values: dict[str, str] = json.loads((data_dir / "run" / "env.json").read_text())
    return values


def _module(name: str) -> object | None:
    """A module of ours that a smaller installation may lack."""
    return import_module(name) if find_spec(name) is not None else None

"""Watching and steering the supervisor's process from another one, through its state file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from infra.local.child import child_environment, death_signal, last_line
from infra.local.errors import StackError
from infra.local.logs import log_file, rotate
from infra.local.state import ProcessStatus, StackState, is_alive, read_state, running_state
from infra.settings import Settings

STOP_PATIENCE = 20.0
_PAUSE = 0.1
_SAME_REQUEST = 1.0
_SETTLED = ("ready", "done")


class StopRequestedError(Exception):
    """Someone pressed Ctrl-C or asked this process to end."""


class StopRequests:
    """Raises StopRequestedError for a signal, until `heard`: asking again changes nothing then.

    A request that comes a moment after another is the same one, such as Ctrl-C pressed twice.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = -_SAME_REQUEST
        self._heard = False

    def heard(self) -> None:
        """Everything is being stopped now."""
        self._heard = True

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        now = self._clock()
        if not self._heard and now - self._asked >= _SAME_REQUEST:
            self._asked = now
            raise StopRequestedError


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Inside, SIGINT, SIGTERM and SIGHUP raise StopRequestedError."""
    requests = StopRequests()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, requests) for number in numbers]
    try:
        yield requests
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def launch(settings: Settings, *, detached: bool) -> subprocess.Popen[bytes]:
    """Start the supervisor in a session of its own.

    Unless detached it stops, cleanly, when this process is killed.
    """
    log = log_file(settings.data_dir.absolute(), "supervisor")
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rotate(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **child_environment(settings)},
            start_new_session=True,
            umask=0o077,
            # No thread runs yet when a command starts the stack.
            preexec_fn=None if detached else death_signal(signal.SIGTERM),  # noqa: PLW1509
        )


def wait_until_ready(
    data_dir: Path, supervisor: subprocess.Popen[bytes] | None, console: Console
) -> None:
    """Show what becomes ready until everything is. Raises StackError when the start fails."""
    began, shown = time.monotonic(), set[str]()
    with console.status("starting") as spinner:
        while True:
            state = running_state(data_dir)
            if state is None and (supervisor is None or supervisor.poll() is not None):
                raise StackError(_why_it_ended(data_dir))
            for process in state.processes if state else []:
                if process.state in _SETTLED and process.name not in shown:
                    shown.add(process.name)
                    seconds = f"{time.monotonic() - began:5.1f} s"
                    console.print(f"[green]✓[/] {process.name:<18}{seconds}  {process.address}")
            if state is not None and state.ready:
                return
            spinner.update(_waiting_for(data_dir, state))
            time.sleep(_PAUSE)


def watch(data_dir: Path, console: Console) -> None:
    """Stay until the supervisor ends, telling of every restart. Raises StackError when it fails."""
    restarts: dict[str, int] = {}
    while (state := running_state(data_dir)) is not None:
        for process in state.processes:
            if process.restarts > restarts.get(process.name, process.restarts):
                console.print(
                    f"[yellow]{process.name} started again[/]: {escape(process.reason or '')}"
                )
            restarts[process.name] = process.restarts
        time.sleep(0.5)
    ended = read_state(data_dir)
    if ended is not None and ended.error:
        raise StackError(ended.error)


def stop(data_dir: Path, launched: subprocess.Popen[bytes] | None = None) -> bool:
    """Ask the supervisor to stop everything and wait for it; False when none runs.

    `launched` is a supervisor this process started: it may not have written its state yet.
    Raises StackError when it does not end in time.
    """
    if launched is not None and launched.poll() is None:
        return _end(launched.pid, lambda: launched.poll() is None)
    state = running_state(data_dir)
    if state is None:
        return False
    pid, identity = state.supervisor_pid, state.supervisor_identity
    return _end(pid, lambda: is_alive(pid, identity))


def _end(pid: int, lives: Callable[[], bool]) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE
    while lives():
        if time.monotonic() > deadline:
            raise StackError(f"the supervisor (pid {pid}) does not stop")
        time.sleep(_PAUSE)
    return True


def _waiting_for(data_dir: Path, state: StackState | None) -> str:
    """The process everything waits for, with what it last said."""
    pending = [p for p in state.processes if p.state in ("starting", "restarting")] if state else []
    if not pending:
        return "starting"
    first: ProcessStatus = pending[0]
    said = last_line(log_file(data_dir, first.name)) or ""
    return f"{', '.join(p.name for p in pending)}  [dim]{escape(said[:80])}[/]"


def _why_it_ended(data_dir: Path) -> str:
    return last_line(log_file(data_dir, "supervisor")) or "the supervisor ended without a word"

"""The supervisor's written state: who runs, who held the lock, and who was left behind."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from infra.local.errors import AlreadyRunningError
from infra.local.processes import ProcessState


@dataclass
class ProcessStatus:
    """What is known about one supervised process."""

    name: str
    roles: tuple[str, ...]
    address: str
    state: ProcessState = "waiting"
    pid: int | None = None
    identity: str | None = None
    stop_signal: int = 15
    restarts: int = 0
    started_at: str | None = None
    last_exit: int | None = None
    """Exit code of the last run; negative: the signal that ended it."""
    reason: str | None = None
    """Why the last run ended: the last line of its log, or what the supervisor did."""


@dataclass
class StackState:
    """The content of `run/state.json`."""

    supervisor_pid: int
    supervisor_identity: str | None
    ready: bool = False
    error: str | None = None
    processes: list[ProcessStatus] = field(default_factory=list)


def state_file(data_dir: Path) -> Path:
    return data_dir / "run" / "state.json"


def identity_of(pid: int) -> str | None:
    """What tells this process from a later one with the same number; None when there is none."""
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            # Ticks since boot, unlike a wall-clock time, survive a changed clock.
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot}:{stat.read_text().rpartition(')')[2].split()[19]}"
        return str(psutil.Process(pid).create_time())
    except (psutil.Error, OSError):
        return None


def is_alive(pid: int | None, identity: str | None) -> bool:
    """True when exactly the process that was written down is still there."""
    return pid is not None and identity is not None and identity_of(pid) == identity


def write_state(data_dir: Path, state: StackState) -> None:
    """Replace the state file in one step; a reader never sees half of it."""
    path = state_file(data_dir)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(state), indent=1))
    temporary.replace(path)


def read_state(data_dir: Path) -> StackState | None:
    """The last written state, or None when nothing (readable) was ever written."""
    try:
        raw: dict[str, Any] = json.loads(state_file(data_dir).read_text())
        processes = [ProcessStatus(**p | {"roles": tuple(p["roles"])}) for p in raw["processes"]]
        return StackState(**raw | {"processes": processes})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def running_state(data_dir: Path) -> StackState | None:
    """The state of a supervisor that runs now, or None."""
    state = read_state(data_dir)
    if state is not None and is_alive(state.supervisor_pid, state.supervisor_identity):
        return state
    return None


@contextmanager
def supervisor_lock(data_dir: Path) -> Iterator[None]:
    """Hold the one place of supervisor of this data folder. Raises AlreadyRunningError."""
    folder = data_dir / "run"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyRunningError(f"a supervisor already runs on {data_dir}") from None
    finally:
        os.close(descriptor)


def end_leftovers(data_dir: Path, grace: float = 10.0) -> list[str]:
    """Stop what a killed supervisor left behind; blocks up to `grace` seconds before SIGKILL.

    Only processes whose number and start both match what was written are touched.
    Returns their names.
    """
    state = read_state(data_dir)
    left = [p for p in state.processes if is_alive(p.pid, p.identity)] if state else []
    for process in left:
        _signal(process, process.stop_signal)
    deadline = time.monotonic() + grace
    while any(is_alive(p.pid, p.identity) for p in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        _signal(process, 9)
    return [process.name for process in left]


def _signal(process: ProcessStatus, number: int) -> None:
    if process.pid is not None and is_alive(process.pid, process.identity):
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)

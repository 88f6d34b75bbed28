"""One child process: started so that it cannot outlive us unseen, with a log file of its own."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from infra.local.logs import rotate
from infra.settings import Settings

_PR_SET_PDEATHSIG = 1


def death_signal(number: signal.Signals) -> Callable[[], None] | None:
    """A hook for the new child: when its parent dies, the kernel sends it this signal.

    None where the kernel cannot; there only the written state leads to a child left behind.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return arrange


def stand_back(niceness: int) -> None:
    """Let the others go first when the processors are full: from 0, not at all, to 19.

    Linux divides a processor among sessions before it divides it among their processes
    (sched(7), "autogroup"), so the session has to stand back too.
    """
    os.nice(niceness)
    with suppress(OSError), Path("/proc/self/autogroup").open("w") as group:
        group.write(str(niceness))


def last_line(log: Path, since: int = 0) -> str | None:
    """The last line with text written after byte `since`, shortened; None when there is none."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(since, end - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    return next((line.strip()[:400] for line in reversed(lines) if line.strip()), None)


async def spawn(
    command: tuple[str, ...],
    environment: Mapping[str, str],
    log: Path,
    stop_signal: signal.Signals,
    niceness: int = 0,
) -> Process:
    """Start a child in a session of its own, so that Ctrl-C reaches it only through us."""
    arrange = death_signal(stop_signal)

    def prepare() -> None:
        if arrange is not None:
            arrange()
        if niceness:
            stand_back(niceness)

    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rotate(log)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
            umask=0o077,
            preexec_fn=prepare,
        )


def kill_group(pid: int) -> None:
    """SIGKILL to a child and to what it started in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def child_environment(settings: Settings) -> dict[str, str]:
    """Every setting that was given, as variables, so that a child sees what we saw.

    Addresses of the embedded stack are not among them: a child resolves them as we did.
    """
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    given["data_dir"] = settings.data_dir
    return {
        f"NUDGE_{name.upper()}": _as_text(value)
        for name, value in given.items()
        if value is not None
    }


def _as_text(value: object) -> str:
    match value:
        case Path():
            return str(value.absolute())
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(map(str, value))
        case timedelta():
            return f"{value.total_seconds()}s"
        case _:
            return str(value)

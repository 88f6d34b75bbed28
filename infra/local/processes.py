"""What a supervised process is, as data: the supervisor knows nothing else about it."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Probe = Callable[[], Awaitable[bool]]
"""Asks once, within a few seconds, whether a process does its work. Never raises."""

ProcessState = Literal["waiting", "starting", "ready", "restarting", "stopping", "stopped", "done"]


@dataclass(frozen=True)
class Heartbeat:
    """A file the process touches; when it does not for `max_age` seconds it is killed."""

    file: Path
    max_age: float


@dataclass(frozen=True)
class ProcessSpec:
    """One process to keep running, or, with `once`, one step to run to its end."""

    name: str
    command: tuple[str, ...]
    roles: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Names of the processes that must be ready before this one starts."""
    ready: Probe | None = None
    """None: ready as soon as it runs (with `once`: as soon as it has ended well)."""
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[tuple[int, str], ...] = ()
    """Every port it listens on, with the variable that changes it."""
    stop_signal: signal.Signals = signal.SIGTERM
    ready_timeout: float = 60.0
    heartbeat: Heartbeat | None = None
    once: bool = False
    niceness: int = 0
    """How far it stands back when the processors are full."""


@dataclass(frozen=True)
class RestartPolicy:
    """How patiently a process that dies is started again. Times in seconds."""

    first: float = 0.2
    ceiling: float = 5.0
    settled_after: float = 30.0
    """A process that lived this long has its failures forgotten."""
    attempts_at_start: int = 3
    """Deaths before it was ever ready after which the whole start is given up."""

    def delay(self, failures: int) -> float:
        """The pause before the next start after this many deaths in a row (at least one)."""
        return min(self.first * 2.0 ** min(failures - 1, 16), self.ceiling)

    def failures_after(self, failures: int, lived: float) -> int:
        """The count of deaths in a row, now that a process has died after `lived` seconds."""
        return 1 if lived >= self.settled_after else failures + 1


def heartbeat_file(data_dir: Path, role: str) -> Path:
    """The file a role touches to say that it is not frozen."""
    return data_dir / "run" / f"{role}.heartbeat"


def stop_levels(specs: list[ProcessSpec]) -> list[list[str]]:
    """Names grouped in the order to stop them: whoever depends on others goes first.

    Raises ValueError when the dependencies form a circle or name nobody.
    """
    depths: dict[str, int] = {}
    waiting = {spec.name: spec.after for spec in specs}
    while waiting:
        free = [name for name, after in waiting.items() if all(dep in depths for dep in after)]
        if not free:
            raise ValueError(f"these processes wait for each other or for nobody: {waiting}")
        for name in free:
            depths[name] = 1 + max((depths[dep] for dep in waiting[name]), default=-1)
        waiting = {name: after for name, after in waiting.items() if name not in depths}
    levels: list[list[str]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for name, depth in depths.items():
        levels[depth].append(name)
    return levels[::-1]

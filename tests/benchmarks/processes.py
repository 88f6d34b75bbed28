"""What the product's processes use, by role: memory, and how much of a core."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from tests.support.whole_stack import WholeStack

_MB = 2**20


def pids_by_role(stack: WholeStack) -> dict[str, int]:
    """The process of each role, as `nudge status` lists it."""
    return {p["role"]: p["pid"] for p in stack.status()["processes"] if p["pid"]}


def memory_of(pid: int) -> float:
    """Megabytes resident in a process and its children."""
    return sum(each.memory_info().rss for each in _family(pid)) / _MB


def _family(pid: int) -> list[psutil.Process]:
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass
class Usage:
    """Samples of every role while something ran."""

    seconds: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)
    """Processor seconds by role."""
    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Megabytes by role, a sample each half second."""
    machine: list[float] = field(default_factory=list)
    """Share of all cores in use, 0 to 100."""

    def busiest(self) -> tuple[str, float]:
        """The role that used most of a core, and how much of it (1.0: one full core)."""
        role = max(self.processor, key=lambda name: self.processor[name])
        return role, self.processor[role] / self.seconds

    def shares(self) -> str:
        """Who used how much of a core, most first."""
        ordered = sorted(self.processor.items(), key=lambda item: -item[1])
        return ", ".join(f"{role} {used / self.seconds:.0%}" for role, used in ordered if used)

    def machine_share(self) -> float:
        """How full all cores were, in percent."""
        return sum(self.machine) / max(1, len(self.machine))


@contextmanager
def watched(pids: dict[str, int], every: float = 0.5) -> Iterator[Usage]:
    """Sample the roles while the block runs."""
    usage, stop = Usage(), threading.Event()
    before = {role: _processor(pid) for role, pid in pids.items()}
    began = time.perf_counter()
    psutil.cpu_percent()

    def sample() -> None:
        while not stop.wait(every):
            usage.machine.append(psutil.cpu_percent())
            for role, pid in pids.items():
                usage.memory[role].append(memory_of(pid))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield usage
    finally:
        stop.set()
        thread.join()
        usage.seconds = time.perf_counter() - began
        usage.processor = {
            role: max(0.0, _processor(pid) - before[role]) for role, pid in pids.items()
        }


def _processor(pid: int) -> float:
    total = 0.0
    for each in _family(pid):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total

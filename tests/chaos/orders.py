"""Orders to die and to freeze, given one after the other for each process that has fault points."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

import psutil

from domain.shared.faults import SENDER_POINTS, FaultPoint
from infra.faults import Faults, Order
from infra.local.state import ProcessStatus, running_state
from tests.chaos.plan import DELAYS, EFFECTS, RELAY, SETTINGS, Plan
from tests.support.whole_stack import WholeStack

SHORT: Final = 2.5
"""Seconds of a freeze that ends by itself: shorter than the lease."""
PATIENCE: Final = 120.0
Say = Callable[[str], None]


@dataclass
class Conductor:
    """Gives the orders of a plan and keeps account of what was carried out."""

    stack: WholeStack
    plan: Plan
    faults: Faults
    say: Say
    thawed: Counter[FaultPoint] = field(default_factory=Counter)
    killed_frozen: Counter[FaultPoint] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def conduct(self) -> None:
        """All lanes at once; returns when every order was carried out, or time is up."""
        rng = Random(self.plan.seed)
        lanes = [
            lambda r=Random(rng.random()): self._effects(r),
            lambda r=Random(rng.random()): self._kill_in_turn(RELAY, r),
            lambda r=Random(rng.random()): self._kill_in_turn(
                (FaultPoint.PROJECTOR_BEFORE_POSITION,), r
            ),
            lambda r=Random(rng.random()): self._kill_in_turn(
                (FaultPoint.CLICKHOUSE_BEFORE_INSERT,), r
            ),
            lambda r=Random(rng.random()): self._others(r),
        ]
        threads = [threading.Thread(target=self._guarded, args=(lane,)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @property
    def kills(self) -> Counter[FaultPoint]:
        """Kills at each point: orders carried out that were not freezes."""
        freezes = self.thawed + self.killed_frozen
        return self.faults.carried_out() - freezes

    @property
    def over(self) -> bool:
        """Whether no new order is given."""
        return time.monotonic() - self.began > self.plan.longest

    # --- lanes -------------------------------------------------------------------------------

    def _effects(self, rng: Random) -> None:
        """Kills at every point of sender and reply worker; freezes at the sender's in between."""
        todo: list[tuple[str, FaultPoint]] = [("kill", p) for p in EFFECTS * self.plan.kills]
        for point in SENDER_POINTS * self.plan.freezes:
            todo += [("thaw", point), ("freeze", point)]
        rng.shuffle(todo)
        for what, point in todo:
            if self.over:
                return
            if what == "kill":
                self._met(point, Order("kill", rng.randint(1, 3), DELAYS.get(point, 0.0)))
            else:
                self._freeze(point, rng, thaw=what == "thaw")

    def _kill_in_turn(self, points: tuple[FaultPoint, ...], rng: Random) -> None:
        pause = self.plan.longest / 3 / (self.plan.kills * len(points))
        for point in points * self.plan.kills:
            if self.over:
                return
            self._met(point, Order("kill", rng.randint(1, 5), DELAYS.get(point, 0.0)))
            time.sleep(pause)

    def _others(self, rng: Random) -> None:
        """kill -9 from outside of what has no points: stores, provider, API, reactions."""
        todo = [*self.plan.others * self.plan.deaths]
        rng.shuffle(todo)
        pause = self.plan.longest / 3 / max(len(todo), 1)
        for role in todo:
            time.sleep(pause)
            if self.over:
                return
            self._die(role)

    # --- orders ------------------------------------------------------------------------------

    def _met(self, point: FaultPoint, order: Order) -> int | None:
        """Give an order and wait until somebody carries it out; that one's process id."""
        before = {file.name for file in self.faults.met.glob(f"{point}@*")}
        self.faults.arm(point, order)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for file in self.faults.met.glob(f"{point}@*"):
                if file.name not in before:
                    self.say(f"{order} at {point}")
                    return int(file.name.split("@")[1])
            time.sleep(0.05)
        self.faults.disarm(point)
        self.failures.append(f"nobody came to {point} within {PATIENCE:.0f} s")
        return None

    def _freeze(self, point: FaultPoint, rng: Random, *, thaw: bool) -> None:
        pid = self._met(point, Order("stop", rng.randint(1, 3)))
        if pid is None:
            return
        if thaw:
            time.sleep(SHORT)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self.thawed[point] += 1
            return
        self.killed_frozen[point] += 1
        patience = 3 * SETTINGS["send_lease"].total_seconds()
        if not _gone(pid, patience):
            self.failures.append(f"frozen at {point}, alive after {patience:.0f} s")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _die(self, role: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status = self._status(role)
            if status is not None and status.state == "ready" and status.pid is not None:
                os.kill(status.pid, signal.SIGKILL)
                self.deaths[role] += 1
                self.say(f"kill -9 {role}")
                return
            time.sleep(0.2)
        self.failures.append(f"{role} was not ready within {PATIENCE:.0f} s")

    def _status(self, role: str) -> ProcessStatus | None:
        state = running_state(self.stack.data_dir)
        if state is None:
            return None
        return next((p for p in state.processes if role in p.roles), None)

    def _guarded(self, lane: Callable[[], None]) -> None:
        try:
            lane()
        except Exception as error:  # noqa: BLE001 - told in the table, and fails the run
            self.failures.append(f"{type(error).__name__}: {error}")


def _gone(pid: int, seconds: float) -> bool:
    """Whether the process ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False

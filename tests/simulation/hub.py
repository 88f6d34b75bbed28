"""The hub: tasks that take turns at random, in virtual time, and may die at every turn."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from greenlet import getcurrent, greenlet


class KilledError(BaseException):
    """The process of the task is dead; nothing may catch this but the hub."""


@dataclass(eq=False)
class Process:
    """Tasks that live and die together. `frozen_until`: it does nothing before."""

    name: str
    tasks: list[Task] = field(default_factory=list)
    alive: bool = True
    frozen_until: float = 0.0


@dataclass(eq=False)
class Task:
    """One thread of a process, standing at `place`."""

    process: Process
    run: greenlet
    place: str = "start"


class Hub:
    """Runs tasks one at a time; `rng` alone decides who is next, so a seed is a whole history.

    Code that runs in a task calls `pause` wherever the real one could be interrupted, and `sleep`
    where it would wait. `fault` is called before each turn and may kill or freeze the process.
    """

    def __init__(self, rng: Random, fault: Callable[[Task], None]) -> None:
        self.now = 0.0
        self.trace: list[str] | None = None
        self._rng = rng
        self._fault = fault
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._ready: list[Task] = []
        self._processes: list[Process] = []
        self._current: Task | None = None
        self._main = getcurrent()

    # --- for the code that is played ---------------------------------------------------------

    def pause(self, place: str) -> None:
        """Anybody else may go on here. Raises KilledError when this process dies here."""
        task = self._task()
        task.place = place
        self._ready.append(task)
        self._main.switch()
        if not task.process.alive:
            raise KilledError

    def sleep(self, seconds: float) -> None:
        """Be away for so long."""
        task = self._task()
        task.place = "asleep"
        self.at(self.now + seconds, lambda: self._ready.append(task))
        self._main.switch()
        if not task.process.alive:
            raise KilledError

    def at(self, time: float, happen: Callable[[], None]) -> None:
        """Something outside every process happens then, whoever has died meanwhile."""
        heapq.heappush(self._events, (time, next(self._numbers), happen))

    def note(self, text: str) -> None:
        """Say what happened, when somebody wants to know."""
        if self.trace is not None:
            who = self._current.process.name if self._current else "world"
            self.trace.append(f"{self.now:9.2f} {who:<8} {text}")

    # --- for the player ----------------------------------------------------------------------

    def start(self, process: Process, work: Callable[[], None]) -> None:
        """A new task of a process."""

        def run() -> None:
            try:
                work()
            except KilledError:
                return

        task = Task(process, greenlet(run))
        process.tasks.append(task)
        if len(process.tasks) == 1:
            self._processes.append(process)
        self._ready.append(task)

    def kill(self, process: Process) -> None:
        """It dies where it stands; what it sent before is on its way."""
        if not process.alive:
            return
        self.note(f"kill {process.name}: {', '.join(t.place for t in process.tasks)}")
        process.alive = False
        self._ready = [task for task in self._ready if task.process is not process]

    def end(self) -> None:
        """Unwind every task, so that nothing of this history outlives it."""
        for process in self._processes:
            process.alive = False
            for task in process.tasks:
                if task.run:
                    task.run.throw(KilledError)

    def run(self, until: Callable[[], bool], longest: float) -> bool:
        """Take turns until it holds (True), or so much virtual time is over (False)."""
        while True:
            while self._ready:
                self._turn(self._ready.pop(int(self._rng.random() * len(self._ready))))
            if until():
                return True
            if not self._events or self._events[0][0] > longest:
                return False
            self.now = self._events[0][0]
            self._catch_up()

    def _turn(self, task: Task) -> None:
        process = task.process
        if process.alive and process.frozen_until <= self.now:
            self._fault(task)
        if not process.alive:
            return
        if process.frozen_until > self.now:
            self.at(process.frozen_until, lambda: self._ready.append(task))
            return
        self._current = task
        task.run.switch()
        self._current = None

    def _catch_up(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()

    def _task(self) -> Task:
        task = self._current
        assert task is not None
        assert task.run is getcurrent()
        return task

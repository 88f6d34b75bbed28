"""Armed fault points: on the embedded stack a process kills or stops itself where it is told to.

An order is a file named like its point in `$NUDGE_DATA_DIR/faults`, which must be there when the
process starts: `kill 3` or `stop 1`, the third or first time a process reaches the point, with a
third word so many seconds later. Whoever carries an order out moves it to `faults/met` first, so
that it happens once.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from domain.shared.faults import FaultPoint, Reach, unarmed
from infra.settings import Settings

SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class BadOrderError(Exception):
    """An order that says nothing we could do; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to do at a point: `action` at the `nth` time it is reached, `delay` seconds later."""

    action: str
    nth: int = 1
    delay: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Order:
        """From the words of a file. Raises BadOrderError."""
        words = text.split()
        try:
            order = cls(words[0], int(words[1]), float(words[2]) if len(words) > 2 else 0.0)
        except (IndexError, ValueError):
            raise BadOrderError(f"{text!r}: write an action and a number, such as kill 3") from None
        if order.action not in SIGNALS or order.nth < 1 or order.delay < 0:
            raise BadOrderError(f"{text!r}: kill or stop, from the 1st time on")
        return order

    def __str__(self) -> str:
        return f"{self.action} {self.nth} {self.delay:g}"


@dataclass(frozen=True)
class Faults:
    """The folder of orders."""

    folder: Path

    @classmethod
    def of(cls, data_dir: Path) -> Faults:
        return cls(data_dir / "faults")

    @property
    def met(self) -> Path:
        """Where orders lie that were carried out, as `<point>@<pid>@<ns since the epoch>`."""
        return self.folder / "met"

    def prepare(self) -> None:
        """Make the folder: processes started from now on look for orders."""
        self.met.mkdir(parents=True, exist_ok=True)

    def arm(self, point: FaultPoint, order: Order) -> None:
        """Give an order; one that waits at the point is replaced."""
        draft = self.folder / f".{point}"
        draft.write_text(str(order))
        draft.replace(self.folder / point)

    def disarm(self, point: FaultPoint) -> bool:
        """Take an order back; whether there was one."""
        try:
            (self.folder / point).unlink()
        except FileNotFoundError:
            return False
        return True

    def waiting(self) -> dict[FaultPoint, Order]:
        """Orders that nobody has carried out."""
        found = {}
        for point in FaultPoint:
            try:
                found[point] = Order.parse((self.folder / point).read_text())
            except FileNotFoundError:
                continue
        return found

    def carried_out(self) -> Counter[FaultPoint]:
        """How often each point was met."""
        return Counter(FaultPoint(file.name.split("@")[0]) for file in self.met.glob("*@*"))


@dataclass
class ArmedReach:
    """The Reach of a process that looks for orders. Thread-safe."""

    faults: Faults
    _reached: Counter[FaultPoint] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, point: FaultPoint) -> None:
        """Carry out the point's order, if there is one and this is the time."""
        try:
            order = Order.parse((self.faults.folder / point).read_text())
        except FileNotFoundError:
            return
        with self._lock:
            self._reached[point] += 1
            if self._reached[point] < order.nth:
                return
            self._reached[point] = 0
        try:
            name = f"{point}@{os.getpid()}@{time.time_ns()}"
            (self.faults.folder / point).rename(self.faults.met / name)
        except FileNotFoundError:
            return  # another thread was first
        time.sleep(order.delay)
        os.kill(os.getpid(), SIGNALS[order.action])


def reach_of(settings: Settings) -> Reach:
    """Armed on the embedded stack, when the folder of orders is there; else nothing."""
    faults = Faults.of(settings.data_dir)
    if settings.embedded and faults.met.is_dir():
        return ArmedReach(faults)
    return unarmed

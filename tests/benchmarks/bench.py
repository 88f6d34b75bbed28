"""What every benchmark gets: a folder, stores that start when asked for, and a way to speak."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.addresses import resolve
from infra.local.errors import StackError
from tests.benchmarks.report import Report
from tests.support.services import (
    Services,
    settings_on_free_ports,
    start_services,
)
from tests.support.whole_stack import WholeStack


class CannotMeasureError(Exception):
    """What the benchmark needs is not to be had; the message is one line."""


@dataclass
class Bench:
    """One run of `nudge bench`."""

    folder: Path
    """For this run's data; thrown away afterwards."""
    keep: Path
    """For what is worth keeping between runs, such as a peer's environment."""
    quick: bool = False
    """A fifth of the work, to see that it runs; not for the page."""
    say: Callable[[str], None] = field(default=lambda _line: None)
    _services: Services | None = None

    def services(self) -> Services:
        """Postgres, Kafka and ClickHouse, started once for all benchmarks of the run."""
        if self._services is None:
            self.say("starting Postgres, Kafka and ClickHouse")
            try:
                self._services = start_services(_new_folder(self.folder / "stores"))
            except (OSError, TimeoutError, StackError) as error:
                raise CannotMeasureError(f"the stores cannot start: {error}") from error
        return self._services

    def close(self) -> None:
        """Stop what was started."""
        if self._services is not None:
            self._services.stop()
            self._services = None

    @contextmanager
    def product(self, name: str, **settings: object) -> Iterator[WholeStack]:
        """The whole product on stores of its own, alone on the machine."""
        self.close()
        self.say("starting the whole product")
        folder = _new_folder(self.folder / name) / "data"
        made = settings_on_free_ports(folder, **settings)
        stack = WholeStack(made, resolve(made))
        try:
            try:
                stack.nudge("up", "--detach", "--no-demo")
            except (AssertionError, subprocess.TimeoutExpired) as error:
                raise CannotMeasureError(f"the product cannot start: {error}") from error
            yield stack
        finally:
            stack.nudge("down", check=False)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark by its name on the command line."""

    name: str
    summary: str
    run: Callable[[Bench], Report]


def _new_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def in_turns(
    contenders: Mapping[str, Callable[[], float]],
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, list[float]]:
    """The contenders' values, taken in turns; every other round in reverse order, so that nobody
    always runs in a warm machine's or a filled disk's favour."""
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        order = list(contenders)[:: 1 if number % 2 == 0 else -1]
        for name in order:
            values[name].append(contenders[name]())
            say(f"round {number + 1} of {rounds}, {name}: {values[name][-1]:,.0f}")
    return values


def median(values: list[float]) -> float:
    return statistics.median(values)


def percentile(values: list[float], share: float) -> float:
    """The value below which a share (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

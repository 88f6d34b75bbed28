"""What a benchmark found, and the page that keeps it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

_HEAD = """# Benchmarks

Written by `nudge bench`; each section by its own run, with its date and machine. Peers and ours
take turns in one run on the same stores. The load before a run is that of the whole machine: a
figure taken beside other work is too low.
"""
_SECTION = re.compile(r"^## ", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """What a figure is to reach: at least (`floor`) or at most `value`."""

    value: float
    floor: bool = False

    def reached(self, value: float) -> bool:
        return value >= self.value if self.floor else value <= self.value

    def __str__(self) -> str:
        return f"{'at least' if self.floor else 'at most'} {number(self.value)}"


def at_least(value: float) -> Target:
    """A target for what should be high."""
    return Target(value, floor=True)


def at_most(value: float) -> Target:
    """A target for what should be low."""
    return Target(value)


@dataclass(frozen=True)
class Figure:
    """One measured number; `runs` are the values whose median it is."""

    what: str
    value: float
    unit: str
    target: Target | None = None
    runs: tuple[float, ...] = ()

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without one."""
        return None if self.target is None else self.target.reached(self.value)

    def cells(self) -> tuple[str, str, str, str]:
        """What, value with unit, target and verdict, as texts."""
        verdict = {True: "yes", False: "**no**", None: ""}[self.reached]
        value = f"{number(self.value)} {self.unit}".rstrip()
        if self.runs:
            value += f" ({number(min(self.runs))} to {number(max(self.runs))})"
        return self.what, value, "" if self.target is None else str(self.target), verdict


@dataclass(frozen=True)
class Report:
    """A benchmark's figures with what one must know to read them."""

    name: str
    title: str
    about: str
    figures: Sequence[Figure]
    notes: Sequence[str] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        figures = [{**asdict(figure), "reached": figure.reached} for figure in self.figures]
        return {**asdict(self), "figures": figures}

    def as_section(self, machine: str, when: datetime) -> str:
        """The report's section of the page."""
        rows = ["| what | measured | target | reached |", "|---|---:|---:|---|"]
        rows += [f"| {' | '.join(figure.cells())} |" for figure in self.figures]
        notes = "".join(f"- {note}\n" for note in self.notes)
        return (
            f"## {self.title}\n\n"
            f"`nudge bench {self.name}`, {when:%Y-%m-%d %H:%M} UTC, {machine}\n\n"
            f"{self.about}\n\n" + "\n".join(rows) + "\n" + (f"\n{notes}" if notes else "")
        )


def number(value: float) -> str:
    """A number as a person reads it: three digits that count, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def machine_now() -> str:
    """The machine in a line, with its load at this moment."""
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{psutil.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB, "
        f"Python {platform.python_version()}, load before the run {load:.1f}"
    )


def write_section(page: Path, section: str) -> None:
    """Put a section on the page, in place of the one with the same heading."""
    text = page.read_text() if page.exists() else ""
    _, *old = _SECTION.split(text)
    sections = {each.splitlines()[0]: each for each in old}
    new = section.removeprefix("## ")
    sections[new.splitlines()[0]] = new
    body = "".join(f"\n## {each.strip()}\n" for _, each in sorted(sections.items()))
    page.write_text(_HEAD + body)

"""The locked libraries: names, versions, and that every file has its hash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = (
    "requirements.lock",
    "requirements-production.lock",
    "requirements-release.lock",
    "requirements-bootstrap.lock",
)
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s\\;]+)")


class Locked(NamedTuple):
    """One library of a lock."""

    name: str
    version: str
    hashes: int


def normalised(name: str) -> str:
    """A library's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> list[Locked]:
    """Every library of a lock."""
    found: list[Locked] = []
    for line in text.splitlines():
        if match := _PIN.match(line):
            found.append(Locked(normalised(match["name"]), match["version"], 0))
        if found and "--hash=sha256:" in line:
            found[-1] = found[-1]._replace(hashes=found[-1].hashes + 1)
    return found


def locked() -> list[Locked]:
    """Every library of all locks, each once."""
    every = (read_lock((ROOT / name).read_text()) for name in LOCKS)
    return sorted({each for lock in every for each in lock})

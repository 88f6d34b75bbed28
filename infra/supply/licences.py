"""Licences of the installed libraries against the ones that we may ship or build with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from infra.supply.locks import normalised

FILE: Final = Path(__file__).parent / "licences.yaml"
_VAGUE: Final = frozenset({"", "UNKNOWN", "Other/Proprietary License", "OSI Approved"})
_BETWEEN: Final = re.compile(r"\s*;\s*|\s+(?:AND|OR)\s+|[()]")


class Library(NamedTuple):
    """An installed library and its licence, in its own words."""

    name: str
    version: str
    licence: str


class Policy(NamedTuple):
    """Allowed words, and what we found out ourselves where a library says nothing useful."""

    allowed: frozenset[str]
    known: Mapping[str, str]


def read_policy(text: str) -> Policy:
    """The committed policy."""
    content = yaml.safe_load(text)
    known = {normalised(name): licence for name, licence in content["known"].items()}
    return Policy(frozenset(content["allowed"]), known)


def installed() -> list[Library]:
    """What this environment holds, as pip-licenses reads it."""
    command = "-m piplicenses --from=mixed --format=json --with-system".split()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return [
        Library(normalised(each["Name"]), each["Version"], " ".join(each["License"].split()))
        for each in json.loads(done.stdout)
    ]


def licence_of(library: Library, policy: Policy) -> str:
    """What counts: what we found out, else what it says. A text in place of a name is no answer."""
    said = library.licence
    return policy.known.get(library.name, "UNKNOWN" if said in _VAGUE or len(said) > 150 else said)


def refused(libraries: Iterable[Library], policy: Policy) -> list[str]:
    """Libraries with a licence that is not allowed, or that nobody knows, in words."""
    return [
        f"{library.name} {library.version}: {licence_of(library, policy)[:80]}"
        for library in libraries
        if not _allowed(licence_of(library, policy), policy.allowed)
    ]


def _allowed(licence: str, allowed: frozenset[str]) -> bool:
    """Every licence of several that are named together must be allowed."""
    parts = [part for part in _BETWEEN.split(licence) if part]
    return licence in allowed or (bool(parts) and all(part in allowed for part in parts))


def page(libraries: Iterable[Library], policy: Policy) -> str:
    """The list, to go with a release."""
    rows = [f"| {lib.name} | {lib.version} | {licence_of(lib, policy)} |" for lib in libraries]
    return "\n".join(["# Licences of libraries", "", "| library | version | licence |",
                      "|---|---|---|", *rows, ""])  # fmt: skip

"""Locked versions against the advisories we know of, without a network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from infra.supply.locks import Locked, normalised

FILE: Final = Path(__file__).parent / "advisories.yaml"


class AdvisoryError(Exception):
    """The list of advisories cannot be read; the message says which entry."""


class Advisory(NamedTuple):
    """One known weakness. `affected` are versions as PEP 440 writes them, such as `<2.5.0`."""

    id: str
    package: str
    affected: SpecifierSet
    what: str


def read_advisories(text: str) -> list[Advisory]:
    """Every entry. Raises AdvisoryError."""
    found: list[Advisory] = []
    for entry in yaml.safe_load(text)["advisories"]:
        try:
            affected = SpecifierSet(entry["affected"], prereleases=True)
            found.append(
                Advisory(entry["id"], normalised(entry["package"]), affected, entry["what"])
            )
        except (KeyError, TypeError, InvalidSpecifier) as error:
            raise AdvisoryError(f"{FILE.name}: {entry}: {error}") from None
        if not str(affected):
            raise AdvisoryError(f"{FILE.name}: {entry['id']}: names no versions")
    return found


def affected(libraries: Iterable[Locked], advisories: Iterable[Advisory]) -> list[str]:
    """What is locked in a version with a known weakness, in words."""
    by_name: dict[str, list[Advisory]] = {}
    for advisory in advisories:
        by_name.setdefault(advisory.package, []).append(advisory)
    return [
        f"{library.name} {library.version}: {advisory.id}: {advisory.what}"
        f" (affected: {advisory.affected})"
        for library in libraries
        for advisory in by_name.get(library.name, [])
        if Version(library.version) in advisory.affected
    ]

"""Comparing what is stored with what the log says, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

Rows = Mapping[Any, Sequence[Any]]
"""Rows by key: one each, unless something is wrong."""
K = TypeVar("K")
V = TypeVar("V")


class Entry(NamedTuple):
    """An event as the log stores it."""

    position: int
    stream_id: str
    type: str
    organization_id: str
    value: bytes


class Difference(NamedTuple):
    """One thing that is not as the log has it."""

    place: str
    """Where: `views.contacts`, `clickhouse.events`, `kafka.contact-events-2`."""
    key: str
    problem: str


def one_each(rows: Mapping[K, V]) -> dict[K, list[V]]:
    """Rows that are there once each."""
    return {key: [row] for key, row in rows.items()}


def grouped(rows: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """Pairs of key and row, by key."""
    found: dict[Any, list[Any]] = {}
    for key, row in rows:
        found.setdefault(key, []).append(row)
    return found


def compared(
    place: str, wanted: Rows, found: Rows, columns: Sequence[str] | None = None
) -> list[Difference]:
    """What differs, key by key. `columns`: names of a row's fields, if it is a plain tuple."""
    return [
        Difference(place, str(key), _problem(wanted.get(key, ()), found.get(key, ()), columns))
        for key in sorted(wanted.keys() | found.keys(), key=str)
        if list(wanted.get(key, ())) != list(found.get(key, ()))
    ]


def _problem(wanted: Sequence[Any], found: Sequence[Any], columns: Sequence[str] | None) -> str:
    if not found:
        return "is missing"
    if not wanted:
        return "is not in the log"
    if len(found) > 1:
        return f"is there {len(found)} times"
    names = columns or wanted[0]._fields
    pairs = zip(names, wanted[0], found[0], strict=True)
    return "; ".join(f"{name} is {b!r}, not {a!r}" for name, a, b in pairs if a != b)

"""The threat model as it is written: doors, threats, and what holds each of them."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "explanation" / "threat-model.md"
STRIDE: Final = "STRIDE"
DOORS: Final = (
    "API", "WebSocket", "Webhook", "Unsubscribe link", "ClickHouse door", "Command line", "Kafka",
    "Postgres", "Mails", "Backups",
)  # fmt: skip
_ROW = re.compile(r"^\| (?P<letter>[A-Z]) \| (?P<threat>[^|]+) \| (?P<held_by>[^|]+) \|$")
_TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)`")
_SHORTEST_REASON: Final = 30


class Threat(NamedTuple):
    """One line of the page."""

    door: str
    letter: str
    threat: str
    held_by: str


def read(page: str) -> list[Threat]:
    """Every line, with the heading it stands below."""
    found, door = [], ""
    for line in page.splitlines():
        if line.startswith("## "):
            door = line.removeprefix("## ")
        elif match := _ROW.match(line):
            found.append(Threat(door, *(part.strip() for part in match.groups())))
    return found


def problems(threats: Iterable[Threat], root: Path = ROOT) -> list[str]:
    """What is wrong with the page, in words; empty when every threat is held."""
    letters: dict[str, set[str]] = defaultdict(set)
    found: list[str] = []
    for each in threats:
        letters[each.door].add(each.letter)
        if (why := _not_held(each.held_by, root)) is not None:
            found.append(f"{each.door}: {each.threat}: {why}")
    for door in DOORS:
        left_out = [letter for letter in STRIDE if letter not in letters[door]]
        if left_out:
            found.append(f"{door}: nothing about {', '.join(left_out)}")
    return found + [f"{door} is no door" for door in letters if door not in DOORS]


def _not_held(held_by: str, root: Path) -> str | None:
    if held_by.startswith("accepted: "):
        enough = len(held_by) >= len("accepted: ") + _SHORTEST_REASON
        return None if enough else "is accepted without a reason"
    match = _TEST.fullmatch(held_by)
    if match is None:
        return f"names neither a test nor an accepted risk: {held_by}"
    path = root / match["file"]
    if not path.is_file():
        return f"there is no file {match['file']}"
    return None if match["name"] in _tests_of(path) else f"there is no test {match['name']}"


@functools.cache
def _tests_of(path: Path) -> frozenset[str]:
    """Tests of a file that run: not those that are always skipped."""
    tree = ast.parse(path.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name for node in tree.body if isinstance(node, functions) and not _skipped(node)
    )


def _skipped(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    marks = {ast.unparse(each).partition("(")[0] for each in node.decorator_list}
    return bool(marks & {"pytest.mark.skip", "pytest.mark.xfail"})

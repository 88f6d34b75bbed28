"""Reading our own source files: calls, their arguments and constants, without running them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
NOTE: Final = "<!-- Made by `python -m infra.reference`. Do not edit. -->"


@dataclass(frozen=True)
class Call:
    """A call by name. `package`: the file's place, such as api/routers/contacts/importing.py."""

    file: str
    name: str
    node: ast.Call
    constants: dict[str, str]

    def text(self, index: int) -> str | None:
        """A positional argument as text: a literal, an f-string with … for what varies, or a
        constant of the same module; None for anything else.
        """
        if index >= len(self.node.args):
            return None
        return _text(self.node.args[index], self.constants)

    def number(self, index: int) -> int | None:
        """A positional argument that is a whole number."""
        if index >= len(self.node.args):
            return None
        found = self.node.args[index]
        value = found.value if isinstance(found, ast.Constant) else None
        return value if isinstance(value, int) else None


def calls(*places: str) -> Iterator[Call]:
    """Every call by a plain name in files and folders, given relative to the project."""
    for place in places:
        for path in _files(ROOT / place):
            tree = _tree(path)
            constants = dict(_constants(tree))
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield Call(str(path.relative_to(ROOT)), node.func.id, node, constants)


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        target = node.target if isinstance(node, ast.AnnAssign) else target
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and value is not None and (text := _text(value, {})):
            yield target.id, text


def _text(node: ast.expr, constants: dict[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
            )
        case ast.Name(id=name):
            return constants.get(name)
    return None


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def page(*parts: str) -> str:
    """A page of parts, one empty line between them."""
    return "\n\n".join(parts) + "\n"

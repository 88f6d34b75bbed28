"""Commands of a page of documentation, run in order, their printed output compared."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ANYTHING: Final = "…"
"""In an expected output: any text, several lines too."""
_FENCE = re.compile(
    r"^<!-- (?P<mark>tested|output) -->\n```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LANGUAGES: Final = ("bash", "python")


class PageError(AssertionError):
    """A page that does not do what it says; the message names the line."""


@dataclass(frozen=True)
class Block:
    """One block to run. `expected`: what it must print, None when the page does not say."""

    line: int
    language: str
    code: str
    expected: str | None = None

    def as_shell(self) -> str:
        """The block as a piece of one shell script."""
        if self.language == "bash":
            return self.code
        return f"{sys.executable} - <<'END_OF_PYTHON'\n{self.code}END_OF_PYTHON\n"

    def check(self, printed: str) -> None:
        """Raises PageError when something else was printed than the page shows."""
        if self.expected is None:
            return
        parts = [re.escape(part) for part in self.expected.strip().split(ANYTHING)]
        if re.fullmatch(".*".join(parts), printed.strip(), re.DOTALL) is None:
            raise PageError(
                f"line {self.line}: the page shows\n{self.expected}\nand it prints\n{printed}"
            )


def blocks(page: str) -> list[Block]:
    """The blocks marked `<!-- tested -->`, each with the `<!-- output -->` that follows it.

    Raises PageError for a page without any, for a language that cannot be run, and for an output
    that belongs to nothing.
    """
    found: list[Block] = []
    marked = len(re.findall(r"^<!-- (?:tested|output) -->", page, re.MULTILINE))
    for match, line in _fences(page):
        marked -= 1
        if match["mark"] == "tested":
            if match["language"] not in _LANGUAGES:
                raise PageError(f"line {line}: {match['language']} cannot be run")
            found.append(Block(line, match["language"], match["code"]))
        elif not found or found[-1].expected is not None:
            raise PageError(f"line {line}: an output without a block before it")
        else:
            last = found.pop()
            found.append(Block(last.line, last.language, last.code, match["code"]))
    if marked:
        raise PageError("a mark without a fenced block right below it")
    if not found:
        raise PageError("no block is marked as tested")
    return found


def _fences(page: str) -> Iterator[tuple[re.Match[str], int]]:
    for match in _FENCE.finditer(page):
        yield match, page.count("\n", 0, match.start()) + 2


def run_page(page: str, folder: Path, env: Mapping[str, str], *, seconds: float = 90) -> None:
    """Run a page's blocks in one shell, in this folder. Raises PageError."""
    found = blocks(page)
    pieces = ["set -euo pipefail\n"]
    for number, block in enumerate(found):
        pieces.append(f"exec > {number}.out 2> {number}.err\n{block.as_shell()}")
    try:
        done = subprocess.run(
            ["bash", "-c", "".join(pieces)],
            cwd=folder,
            env=dict(env),
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise PageError(f"line {_last(found, folder).line}: not done in {seconds} s") from None
    if done.returncode:
        at = _last(found, folder)
        number = found.index(at)
        said = "".join((folder / f"{number}.{kind}").read_text() for kind in ("out", "err"))
        raise PageError(f"line {at.line}: exit code {done.returncode}\n{said}")
    for number, block in enumerate(found):
        block.check((folder / f"{number}.out").read_text())


def _last(found: list[Block], folder: Path) -> Block:
    """The block that was begun last."""
    return [b for number, b in enumerate(found) if (folder / f"{number}.out").exists()][-1]

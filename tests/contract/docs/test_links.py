"""Every link and picture of the documentation leads to something that is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "*.md"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
)
MEASURED = ROOT / "docs" / "benchmarks.md"
"""Written by `nudge bench`, and named in the index without a link."""
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The names under which a page's headings can be linked to."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", page)):
        words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(words.replace(" ", "-"))
    return found


def broken(page: Path) -> list[str]:
    """Links of a page to files or headings that do not exist."""
    found = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text())):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place) if place else page
        if not target.exists() or (anchor and not _has(target, anchor)):
            found.append(link)
    return found


def _has(target: Path, anchor: str) -> bool:
    return target.suffix != ".md" or anchor in anchors(target.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_broken_link(page: Path) -> None:
    assert broken(page) == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for link in _LINK.findall(index.read_text())
    }
    pages = {
        page
        for page in PAGES
        if page.is_relative_to(index.parent) and page not in (index, MEASURED)
    }
    assert sorted(str(page) for page in pages - linked) == []


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Some Thing, said\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#some-thing-said) [b](gone.md) [c](other.md#gone) ![d](gone.svg) [e](#page)\n"
        "```text\n[f](never.md)\n```\n# Page\n"
    )
    assert broken(page) == ["gone.md", "other.md#gone", "gone.svg"]

"""The runner of documented commands: what it runs, and every page it must refuse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.documented import PageError, blocks, run_page


def marked(code: str, language: str = "bash") -> str:
    return f"<!-- tested -->\n```{language}\n{code}\n```\n"


def output(text: str) -> str:
    return f"<!-- output -->\n```text\n{text}\n```\n"


def test_blocks_share_one_shell_and_python_sees_their_files(tmp_path: Path) -> None:
    page = (
        marked("NAME=Ada\necho $NAME > name.txt")
        + "\nSome words.\n\n"
        + marked("print(open('name.txt').read().strip())", "python")
        + output("Ada")
        + marked("echo again $NAME")
        + output("again …")
    )
    run_page(page, tmp_path, os.environ)


def test_a_block_without_the_mark_is_not_run(tmp_path: Path) -> None:
    run_page("```bash\nexit 3\n```\n" + marked("true"), tmp_path, os.environ)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("# A page\n\n```bash\ntrue\n```\n", "no block is marked"),
        (marked("true", "ruby"), "ruby cannot be run"),
        ("<!-- tested -->\n\n```bash\ntrue\n```\n", "without a fenced block right below"),
        (output("42"), "line 2: an output without a block"),
        (marked("echo 1") + output("1") + output("1"), "an output without a block"),
    ],
    ids=["nothing marked", "unknown language", "gap", "output alone", "two outputs"],
)
def test_a_page_that_cannot_be_read_is_refused(page: str, message: str) -> None:
    with pytest.raises(PageError, match=message):
        blocks(page)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (marked("echo before") + marked("false"), r"line 6: exit code 1"),
        (marked("raise SystemExit('no')", "python"), r"line 2: exit code 1\nno"),
        (marked("echo $UNHEARD_OF"), r"UNHEARD_OF: unbound"),
        (marked("echo 41") + output("42"), r"shows\n42\n\nand it prints\n41"),
        (marked("echo a; echo b") + output("a"), "it prints"),
        (marked("sleep 5"), "line 2: not done in"),
    ],
    ids=["command", "python", "unset variable", "output", "more output", "endless"],
)
def test_a_page_that_does_something_else_is_refused(
    page: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(PageError, match=message):
        run_page(page, tmp_path, os.environ, seconds=2)

"""What the documentation tells people to type does what the documentation says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.documented import run_page
from tests.support.services import environment_of
from tests.support.whole_stack import WholeStack

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    str(page.relative_to(DOCS))
    for page in DOCS.rglob("*.md")
    if "\n<!-- tested -->\n" in page.read_text()
)


def test_the_tutorial_is_among_the_pages_that_are_run() -> None:
    assert "tutorial/first-campaign.md" in PAGES


@pytest.mark.timeout(150)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, product: WholeStack, tmp_path: Path) -> None:
    env = environment_of(product.settings)
    installed = Path(sys.executable).parent
    run_page(
        (DOCS / page).read_text(),
        tmp_path,
        {**env, "PATH": f"{installed}:{env['PATH']}", "NO_COLOR": "1"},
    )

"""The pages of the reference that are made from code say what the code says."""

from __future__ import annotations

import pytest

from infra.reference import PAGES
from infra.reference.sources import ROOT, calls, table

FOLDER = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_the_one_the_code_gives(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run `python -m infra.reference`"


def test_every_setting_has_a_meaning_that_is_not_empty() -> None:
    rows = [line for line in PAGES["settings.md"]().splitlines() if line.startswith("| `NUDGE_")]
    assert rows
    assert [row for row in rows if row.split("|")[3].strip() == ""] == []


def test_codes_that_people_rely_on_are_found_in_the_code() -> None:
    page = PAGES["errors.md"]()
    for status, code in (
        (409, "content_changed"),
        (422, "invalid_email"),
        (401, "unauthenticated"),
    ):
        assert f"| {status} | `{code}` |" in page


def test_a_code_that_nobody_raises_is_not_on_the_page() -> None:
    assert "`never_raised`" not in PAGES["errors.md"]()


def test_texts_are_read_from_literals_templates_and_constants() -> None:
    raised = [call for call in calls("domain/campaign/handlers.py") if call.text(0) == "test_limit"]
    assert [call.text(1) for call in raised] == ["… test sends a day; more tomorrow."]
    incomplete = [
        c for c in calls("domain/campaign/handlers.py") if c.text(0) == "sender_incomplete"
    ]
    assert [call.text(1) for call in incomplete]


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("a",), [("x | y\n<z>",)]).splitlines()[-1] == "| x \\| y &lt;z> |"

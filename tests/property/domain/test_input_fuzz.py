"""Whatever stands in a list or a form: a value, or a refusal with a code, never anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaign.values import duration
from domain.contact.tabular import ColumnPlan, ReadRow, Rejection
from domain.contact.values import ContactDetails, EmailAddress
from domain.shared.errors import InvalidValueError

# Text as it comes off a wire, surrogates included.
TEXT = st.text(alphabet=st.characters(), max_size=40)
DATES = st.from_regex(r"[0-3]?\d[./][0-3]?\d[./](19|20)\d\d", fullmatch=True)
CELLS = st.one_of(TEXT, DATES, st.integers().map(str), st.floats().map(str), st.just(""))
EMAILS = st.one_of(st.emails(), TEXT, st.just("a@example.com"))
HEADER = [
    "email",
    "first_name",
    "timezone",
    "tags",
    "consent_status",
    "consent_at",
    "a",
    "last_order",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(EMAILS, st.lists(CELLS, max_size=8)), max_size=6))
def test_a_list_of_anything_is_read_row_by_row(rows: list[tuple[str, list[str]]]) -> None:
    plan = ColumnPlan.from_header(HEADER)
    cells = [[email, *rest] for email, rest in rows]
    for row in cells:
        plan.observe(row)
    plan.decided()
    for line, row in enumerate(cells, start=2):
        read = plan.convert(row, line)
        assert isinstance(read, ReadRow | Rejection)
        assert read.line == line
        if isinstance(read, ReadRow):
            again = ContactDetails.of(**_arguments(read.details))
            assert again == read.details


@settings(max_examples=200, deadline=None)
@given(EMAILS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = EmailAddress.parse(text)
    except InvalidValueError:
        return
    assert EmailAddress.parse(once.normalised).normalised == once.normalised


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXT, max_size=6))
def test_any_header_is_a_plan_or_refused(header: list[str]) -> None:
    assert outcome_code(lambda: ColumnPlan.from_header(header)) != ""


@settings(max_examples=200, deadline=None)
@given(st.one_of(TEXT, st.integers(), st.floats(), st.none()))
def test_any_delay_is_a_length_of_time_or_refused(said: Any) -> None:
    assert outcome_code(lambda: duration(said)) in (None, "invalid_delay")


def outcome_code(act: Callable[[], Any]) -> str | None:
    """The code of the refusal, None where there was none."""
    try:
        act()
    except InvalidValueError as refused:
        return refused.code
    return None


def _arguments(details: ContactDetails) -> dict[str, Any]:
    return {
        "email": details.email,
        "first_name": details.first_name,
        "last_name": details.last_name,
        "timezone": details.timezone,
        "attributes": details.attributes,
        "tags": details.tags,
    }

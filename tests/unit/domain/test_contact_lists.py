"""Lists of people: columns understood by their content, rows that make no contact reported."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.contact.cells import iso_date, order_shown
from domain.contact.headers import OF_THE_ROLE
from domain.contact.tabular import ColumnPlan, ReadRow, Rejection
from domain.contact.values import Consent
from domain.shared.errors import InvalidValueError


def read(header: str, *rows: str) -> list[ReadRow | Rejection]:
    plan = ColumnPlan.from_header(header.split(","))
    cells = [row.split(",") for row in rows]
    for row in cells:
        plan.observe(row)
    plan.decided()
    return [plan.convert(row, line) for line, row in enumerate(cells, start=2)]


def attributes(header: str, *rows: str) -> list[object]:
    return [r.details.attributes if isinstance(r, ReadRow) else r.code for r in read(header, *rows)]


def test_a_full_row_is_a_contact() -> None:
    [row] = read(
        "\ufeffE-Mail,First Name,Surname,time zone,tags,consent_status,consent_source,consent_at",
        "Ada@example.com,Ada,Lovelace,Europe/London,vip| new |vip,GRANTED,web form,2025-03-31",
    )
    assert isinstance(row, ReadRow)
    assert (row.line, row.address.normalised) == (2, "ada@example.com")
    assert row.details.tags == ("vip", "new")
    assert (row.details.last_name, row.details.timezone) == ("Lovelace", "Europe/London")
    assert row.consent == Consent("granted", "web form", datetime(2025, 3, 31, tzinfo=UTC))


def test_a_column_is_typed_by_all_its_cells() -> None:
    rows = ["a@example.com,3,01234,2025-01-02,1", "b@example.com,-4.5,5678,,x"]
    assert attributes("email,orders,zip,since,mixed", *rows) == [
        {"orders": 3, "zip": "01234", "since": "2025-01-02", "mixed": "1"},
        {"orders": -4.5, "zip": "5678", "mixed": "x"},
    ]


def test_a_part_above_twelve_decides_the_order_of_a_column() -> None:
    rows = ["a@example.com,03/04/2025", "b@example.com,31/12/2024", "c@example.com,2025-01-02"]
    assert attributes("email,since", *rows) == [
        {"since": "2025-04-03"}, {"since": "2024-12-31"}, {"since": "2025-01-02"},
    ]  # fmt: skip
    rows = ["a@example.com,03.04.2025 10:30", "b@example.com,12.31.2024"]
    assert attributes("email,since", *rows) == [
        {"since": "2025-03-04T10:30:00"}, {"since": "2024-12-31"},
    ]  # fmt: skip


@pytest.mark.parametrize("proof", [[], ["x@example.com,31/01/2025", "y@example.com,01/31/2025"]])
def test_without_one_order_only_the_doubtful_rows_are_rejected(proof: list[str]) -> None:
    rows = ["a@example.com,03/04/2025", "b@example.com,05/05/2025", *proof]
    assert attributes("email,since", *rows)[:2] == ["ambiguous_date", {"since": "2025-05-05"}]


def test_a_date_that_never_was_rejects_its_row_only() -> None:
    rows = ["a@example.com,2025-02-30", "b@example.com,2025-02-28"]
    assert attributes("email,since", *rows) == ["invalid_date", {"since": "2025-02-28"}]


@pytest.mark.parametrize("heading", ["Last Order Date", "last-purchase", "LAST_BOUGHT"])
def test_the_last_purchase_is_found_by_its_synonyms(heading: str) -> None:
    name = heading.lower().replace(" ", "_").replace("-", "_")
    assert name in OF_THE_ROLE
    assert ColumnPlan.from_header(["email", heading]).roles == {"last_purchase_at": name}


def test_the_last_purchase_is_a_date_whatever_else_stands_there() -> None:
    rows = ["a@example.com,never", "b@example.com,2025-02-28", "c@example.com,soon"]
    assert attributes("email,last_order", *rows) == [
        {}, {"last_order": "2025-02-28"}, "invalid_date",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("", "missing"),
        ("nobody,", "invalid_email"),
        ("a@example.com,Nowhere/Land", "invalid_timezone"),
        ("a@example.com,,maybe", "invalid_consent"),
        ("a@example.com,,granted,last week", "invalid_date"),
        ("a@example.com,,granted,,x" + "y" * 50, "too_long"),
        ("a@example.com,,,,,more", "too_many_cells"),
    ],
)
def test_a_bad_row_says_why_and_loses_no_other(row: str, code: str) -> None:
    bad, good = read("email,timezone,consent_status,consent_at,tags", row, "b@example.com")
    assert isinstance(bad, Rejection)
    assert (bad.line, bad.code) == (2, code)
    assert bad.detail
    assert isinstance(good, ReadRow)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ([], "no_email_column"),
        (["name"], "no_email_column"),
        (["email", "E-mail"], "duplicate_column"),
        (["email", "City", "city "], "duplicate_column"),
        (["email", "x" * 101], "too_long"),
        (["email", "a\x00"], "control_characters"),
        (["email", *map(str, range(101))], "too_many_columns"),
        (["email", *map(str, range(100_000))], "too_many_columns"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(header: list[str], code: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        ColumnPlan.from_header(header)
    assert refused.value.code == code


def test_a_column_without_a_name_is_called_by_its_number() -> None:
    assert attributes("email,", "a@example.com,x", "b@example.com,") == [{"column_2": "x"}, {}]


def test_granted_without_a_source_names_the_import() -> None:
    [row] = read("email,consent", "a@example.com,granted")
    assert isinstance(row, ReadRow)
    assert row.consent == Consent("granted", "contact import")


def test_only_a_part_above_twelve_proves_an_order() -> None:
    assert order_shown("13/01/2025") == "day_first"
    assert order_shown("01/13/2025") == "month_first"
    assert order_shown("01/02/2025") is None
    assert order_shown("13/13/2025") is None
    assert iso_date("13/01/2025", "month_first") == "2025-01-13"

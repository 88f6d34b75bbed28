"""What a cell of a list holds: a number, a date in one of the usual spellings, or text."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final, Literal

DayOrder = Literal["day_first", "month_first"]

NO_VALUE: Final = frozenset({"", "-", "n/a", "na", "null", "none", "never", "nan"})
"""Ways in which exports write a date that never was."""

# A leading zero means a code (a postcode, a telephone number), not a number.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?", re.ASCII)
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_ISO = re.compile(
    rf"(\d{{4}})[-/](\d\d?)[-/](\d\d?)(?:[T ]({_CLOCK}(?:Z|[+-]\d\d:?\d\d)?))?", re.ASCII
)
_LOCAL = re.compile(rf"(\d\d?)([/.])(\d\d?)\2(\d{{4}})(?:[T ]({_CLOCK}))?", re.ASCII)


class CellError(ValueError):
    """A cell that is no value of its column; `code` is public."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_number(cell: str) -> bool:
    """Whether the cell reads as a number that a computer wrote."""
    return _NUMBER.fullmatch(cell) is not None


def number(cell: str) -> int | float:
    """The number of a cell for which `is_number` holds."""
    return float(cell) if "." in cell else int(cell)


def is_date_shaped(cell: str) -> bool:
    """Whether the cell looks like a date, possible or not."""
    return _ISO.fullmatch(cell) is not None or _LOCAL.fullmatch(cell) is not None


def order_shown(cell: str) -> DayOrder | None:
    """The order of day and month that this cell proves, by a part above 12."""
    found = _LOCAL.fullmatch(cell)
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    if first > 12 >= second:
        return "day_first"
    if second > 12 >= first:
        return "month_first"
    return None


def iso_date(cell: str, order: DayOrder | None) -> str:
    """The date as ISO text, with its time if it has one.

    `order` is what the column's other cells prove, None when they prove nothing or both. Raises
    CellError: `ambiguous_date` (3/4/2026 of unknown order) or `invalid_date`.
    """
    if iso := _ISO.fullmatch(cell):
        return _iso(int(iso[1]), int(iso[2]), int(iso[3]), iso[4], cell)
    local = _LOCAL.fullmatch(cell)
    if local is None:
        raise CellError("invalid_date", f"{cell[:40]!r} is no date, such as 2026-03-31.")
    first, second = int(local[1]), int(local[3])
    known = order_shown(cell) or order
    if known is None and first != second:
        raise CellError(
            "ambiguous_date", f"{cell!r} may be two dates. Write it as 2026-03-31 (year first)."
        )
    day, month = (second, first) if known == "month_first" else (first, second)
    return _iso(int(local[4]), month, day, local[5], cell)


def _iso(year: int, month: int, day: int, time: str | None, cell: str) -> str:
    try:
        on = date(year, month, day).isoformat()
        return on if time is None else datetime.fromisoformat(f"{on}T{time}").isoformat()
    except ValueError:
        raise CellError("invalid_date", f"There is no date {cell!r}.") from None

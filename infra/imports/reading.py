"""Lines of a CSV or NDJSON file as rows; a line that cannot be read is a rejection of its own.

A quote that is never closed would swallow the rest of the file, so a quoted value may run over a
few lines only; after that its first line is rejected and reading goes on with the next one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, BinaryIO, Final

from domain.contact.tabular import Rejection
from domain.shared.errors import InvalidValueError

MOST_COLUMNS: Final = 200
LONGEST_LINE: Final = 64 * 1024
_LONGEST_VALUE_LINES: Final = 50
_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = ",;\t"


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of a row. `line` is where it begins in the file, the header being line 1.

    A row over several lines whose values are no good may have swallowed good ones: `give_back`
    lets its later lines be read as rows of their own.
    """

    line: int
    cells: list[str]
    give_back: Callable[[], None]


@dataclass(frozen=True, slots=True)
class JsonRow:
    """An object of an NDJSON file."""

    line: int
    value: dict[str, Any]


class _Lines:
    """Physical lines with their numbers, and the possibility to put some back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._returned: list[tuple[int, bytes]] = []
        self._number = count(1)

    def next(self) -> tuple[int, bytes] | None:
        if self._returned:
            return self._returned.pop()
        raw = self._file.readline(LONGEST_LINE + 1)
        if not raw:
            return None
        number = next(self._number)
        if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
            while (rest := self._file.readline(1 << 20)) and not rest.endswith(b"\n"):
                pass
        if number == 1:
            raw = raw.removeprefix(_BOM)
        return number, raw

    def put_back(self, lines: list[tuple[int, bytes]]) -> None:
        self._returned += reversed(lines)


def read_csv(file: BinaryIO) -> tuple[list[str], Iterator[CsvRow | Rejection]]:
    """The header's cells, and the rows behind it.

    Comma, semicolon or tab, whichever the header uses. Raises InvalidValueError when the header
    is missing, unreadable, or has more than 200 columns.
    """
    lines = _Lines(file)
    first = lines.next()
    if first is None or not first[1].strip():
        raise InvalidValueError("body", "empty_file", "The file has no header line.")
    if len(first[1]) > LONGEST_LINE:
        raise _too_wide()
    try:
        text = first[1].decode()
    except UnicodeDecodeError:
        raise InvalidValueError(
            "body", "not_utf8", "The header is not UTF-8. Save the file as CSV UTF-8."
        ) from None
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        header = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InvalidValueError("body", "broken_header", f"The header: {error}.") from None
    if len(header) > MOST_COLUMNS:
        raise _too_wide()
    return header, _rows(lines, delimiter, len(header))


def _too_wide() -> InvalidValueError:
    detail = f"A file has at most {MOST_COLUMNS} columns."
    return InvalidValueError("body", "too_many_columns", detail)


def _rows(lines: _Lines, delimiter: str, width: int) -> Iterator[CsvRow | Rejection]:
    while (line := lines.next()) is not None:
        number, raw = line
        if not raw.strip():
            continue
        yield _row(lines, number, raw, delimiter, width)


def _row(lines: _Lines, number: int, raw: bytes, delimiter: str, width: int) -> CsvRow | Rejection:
    more: list[tuple[int, bytes]] = []
    whole = raw
    while whole.count(b'"') % 2:
        following = lines.next() if len(more) < _LONGEST_VALUE_LINES else None
        if following is None or len(whole) > LONGEST_LINE:
            lines.put_back(more if following is None else [*more, following])
            return Rejection(number, "broken_quote", "A quote is opened and never closed.")
        more.append(following)
        whole += following[1]
    cells = _cells(number, whole, delimiter, width)
    if isinstance(cells, Rejection):
        lines.put_back(more)
        return cells
    return CsvRow(number, cells, lambda: lines.put_back(more))


def _cells(number: int, whole: bytes, delimiter: str, width: int) -> list[str] | Rejection:
    if len(whole) > LONGEST_LINE:
        return Rejection(number, "line_too_long", f"A line holds at most {LONGEST_LINE} bytes.")
    try:
        cells = next(csv.reader([whole.decode()], delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        return Rejection(number, "not_utf8", "The line is not UTF-8. Save the file as CSV UTF-8.")
    except csv.Error as error:
        return Rejection(number, "broken_quote", f"The line: {error}.")
    if len(cells) != width:
        return Rejection(
            number, "wrong_number_of_cells", f"{len(cells)} cells where the header has {width}."
        )
    return cells


def read_ndjson(file: BinaryIO) -> Iterator[JsonRow | Rejection]:
    """The objects of a file with one JSON object a line."""
    lines = _Lines(file)
    while (line := lines.next()) is not None:
        number, raw = line
        if not raw.strip():
            continue
        if len(raw) > LONGEST_LINE:
            yield Rejection(number, "line_too_long", f"A line holds at most {LONGEST_LINE} bytes.")
            continue
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            yield Rejection(number, "malformed_json", "The line is not a JSON object.")
            continue
        if isinstance(value, dict):
            yield JsonRow(number, value)
        else:
            yield Rejection(number, "malformed_json", "The line is not a JSON object.")

"""ClickHouse's exceptions as its HTTP interface shows them: code, name, message, HTTP status."""

from __future__ import annotations

import re

SYNTAX_ERROR = (62, "SYNTAX_ERROR")
NOT_IMPLEMENTED = (48, "NOT_IMPLEMENTED")
CANNOT_DECOMPRESS = (271, "CANNOT_DECOMPRESS")
TOO_MANY_QUERIES = (202, "TOO_MANY_SIMULTANEOUS_QUERIES")
TOO_LARGE = (307, "TOO_MANY_BYTES")
ACCESS_DENIED = (497, "ACCESS_DENIED")
AUTHENTICATION_FAILED = (516, "AUTHENTICATION_FAILED")
UNKNOWN_TABLE = (60, "UNKNOWN_TABLE")
NETWORK_ERROR = (210, "NETWORK_ERROR")
UNKNOWN_DATABASE_CODE = 81
UNKNOWN_EXCEPTION = (1002, "UNKNOWN_EXCEPTION")

_BAD_REQUEST = {
    6,
    7,
    26,
    27,
    36,
    38,
    41,
    43,
    44,
    47,
    50,
    53,
    57,
    62,
    70,
    72,
    73,
    117,
    130,
    386,
    456,
}
_NOT_FOUND = {46, 56, 60, 81, 115, 336}
_STATUS = {
    **dict.fromkeys(_BAD_REQUEST, 400),
    **dict.fromkeys(_NOT_FOUND, 404),
    AUTHENTICATION_FAILED[0]: 401,
    ACCESS_DENIED[0]: 403,
    159: 408,
    164: 403,
    344: 400,
    TOO_LARGE[0]: 413,
    NOT_IMPLEMENTED[0]: 501,
    CANNOT_DECOMPRESS[0]: 400,
    TOO_MANY_QUERIES[0]: 503,
    NETWORK_ERROR[0]: 503,
}
_CODED = re.compile(r"Code: (\d+)\. DB::Exception: ", re.ASCII)
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)(?: \(version [^)]*\))?\.?\s*$")
_TRAILER = re.compile(r"(?:\s*\(version [^)]*\)\.?|\s*\([A-Z][A-Z0-9_]+\))+\s*$")


class ClickHouseError(Exception):
    """A request that gets an error: `code` and `name` are ClickHouse's own."""

    def __init__(self, kind: tuple[int, str], message: str) -> None:
        super().__init__(message)
        self.code, self.name = kind
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status ClickHouse's server would choose for this code."""
        return _STATUS.get(self.code, 500)

    def render(self) -> str:
        """The body of the answer, in the form that ClickHouse's clients parse."""
        return f"Code: {self.code}. DB::Exception: {self.message} ({self.name})\n"


def from_engine(text: str) -> ClickHouseError:
    """The engine's message as an error; prefixes and trailers it repeats are dropped."""
    codes = list(_CODED.finditer(text))
    if not codes:
        return ClickHouseError(UNKNOWN_EXCEPTION, text.strip() or "the engine gave no reason")
    named = _NAME.search(text)
    message = _TRAILER.sub("", text[_end_of_repeated_prefix(codes) :])
    return ClickHouseError((int(codes[0][1]), named[1] if named else "UNKNOWN"), message)


def _end_of_repeated_prefix(codes: list[re.Match[str]]) -> int:
    end = codes[0].end()
    for match in codes[1:]:
        if match.start() != end:
            break
        end = match.end()
    return end

"""A strict lexer for ClickHouse's SQL: what it cannot read exactly as the engine does, it refuses.

It exists to decide what is code and what is a string or a comment. Rare spellings on which two
readers could differ (heredocs, nested comments, escapes in quoted names, characters outside ASCII
outside quotes) are refused, so nothing can hide from the guard in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from infra.local.clickhouse.errors import SYNTAX_ERROR, ClickHouseError


class Kind(Enum):
    """What a token is. QUOTED is a name in backticks or double quotes."""

    NAME = "name"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    PUNCT = "punct"


_KINDS = {kind.value: kind for kind in Kind}


class Token(NamedTuple):
    """One token; `text` is without quotes, `start` and `end` are byte offsets."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The upper-case keyword this may be; empty for anything but a bare name."""
        return self.text.upper() if self.kind is Kind.NAME else ""

    @property
    def is_name(self) -> bool:
        """True for whatever the engine takes as a name: bare or quoted."""
        return self.kind in {Kind.NAME, Kind.QUOTED}


_SKIP = rb"(?P<skip>(?:[ \t\n\f\v]|\r\n)+|(?:--|//|\#[ !])[^\r\n]*|/\*(?:(?!\*/|/\*).)*\*/)"
_TOKENS = re.compile(
    _SKIP + rb"|(?P<string>'(?:[^'\\]|\\.|'')*+')"
    rb'|(?P<quoted>"(?:[^"\\]|"")*+"|`(?:[^`\\]|``)*+`)'
    rb"|(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    rb"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    rb"|(?P<punct>[(){}\[\],.;:=<>!+\-*%|?@^&~]|/(?!\*))",
    re.DOTALL,
)


def tokenize(text: bytes) -> Iterator[Token]:
    """The tokens of a statement, lazily, so that data after it is not read.

    Raises ClickHouseError (62) at the first byte that is not plain ClickHouse SQL.
    """
    position = 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            raise ClickHouseError(SYNTAX_ERROR, _complaint(text, position))
        position = match.end()
        if match.lastgroup != "skip":
            yield _token(match)


def without_values(text: bytes, limit: int) -> str:
    """The statement's shape for a log: literals become `?`, at most `limit` characters."""
    shape: list[str] = []
    size = 0
    try:
        for token in tokenize(text):
            shape.append("?" if token.kind in {Kind.STRING, Kind.NUMBER} else token.text)
            size += len(shape[-1]) + 1
            if size > limit:
                break
    except ClickHouseError:
        shape.append("...")
    return " ".join(shape)[:limit]


def _token(match: re.Match[bytes]) -> Token:
    kind = _KINDS[match.lastgroup or ""]
    raw = match[0].decode("utf-8", "surrogateescape")
    if kind is Kind.QUOTED:
        raw = raw[1:-1].replace(raw[0] * 2, raw[0])
    elif kind is Kind.STRING:
        raw = raw[1:-1]
    return Token(kind, raw, match.start(), match.end())


def _complaint(text: bytes, position: int) -> str:
    found = text[position : position + 12].decode("utf-8", "replace")
    return (
        f"Syntax error: failed at position {position + 1} ({found!r}). This door reads plain SQL: "
        "no heredocs, nested comments, backslashes in quoted names, lone carriage returns, "
        "or characters outside ASCII outside quotes."
    )

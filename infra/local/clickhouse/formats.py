"""Where a statement ends and its data begins, and which format it answers in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from infra.local.clickhouse.lexer import Kind, Token, tokenize

DEFAULT_FORMAT = "TabSeparated"
_AFTER_FORMAT = re.compile(rb"[ \t\f\v]*(?:\r?\n)?")
_QUERY_BEGINS = {"SELECT", "WITH", "FROM", "WATCH"}


@dataclass(frozen=True, slots=True)
class InsertWithData:
    """An INSERT whose rows follow it: `head` up to the format, rows from `data_start` on."""

    head: bytes
    head_tokens: tuple[Token, ...]
    format: str
    data_start: int


def split_insert(text: bytes) -> InsertWithData | None:
    """The INSERT at the start of `text` and where its data begins.

    None when it is no INSERT, or one that takes its rows from a query. Reads no further than the
    head. Raises ClickHouseError when the head cannot be read.
    """
    stream = tokenize(text)
    seen = list(islice(stream, 2))
    if [token.word for token in seen] != ["INSERT", "INTO"]:
        return None
    named, depth = False, 0
    for token in stream:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.PUNCT else 0
        if named and token.word in _QUERY_BEGINS:
            return None
        if named and depth == 0 and token.word == "VALUES":
            return InsertWithData(text[: token.start], tuple(seen), "Values", token.end)
        if named and depth == 0 and token.word == "FORMAT":
            return _with_format(text, seen, token, next(stream, None))
        named = named or token.word not in {"TABLE", "FUNCTION"}
        seen.append(token)
    return None


def _with_format(
    text: bytes, seen: list[Token], keyword: Token, name: Token | None
) -> InsertWithData | None:
    if name is None or name.kind is not Kind.NAME:
        return None
    skipped = _AFTER_FORMAT.match(text, name.end)
    start = skipped.end() if skipped else name.end
    return InsertWithData(text[: keyword.start], tuple(seen), name.text, start)


def output_format(tokens: Sequence[Token], default: str) -> str:
    """The format the engine will answer in: the last FORMAT clause outside parentheses."""
    depth, found = 0, default
    for token, following in pairwise(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.PUNCT else 0
        if depth == 0 and token.word == "FORMAT" and following.kind is Kind.NAME:
            found = following.text
    return found

"""From text to one query: bounded in length, depth and work, its FORMAT taken off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from infra.local.clickhouse.analysts.dialect import TooInvolvedError, read
from infra.local.clickhouse.analysts.refusals import denied, unreadable
from infra.local.clickhouse.errors import ClickHouseError
from infra.local.clickhouse.lexer import Kind, Token, tokenize

LONGEST: Final = 100_000
"""Bytes of a statement."""
MOST_TOKENS: Final = 4_000
DEEPEST: Final = 24
"""Parentheses, brackets and CASEs one in the other."""
MOST_INDEXES: Final = 16
"""`][` in a statement: the parser takes quadratic time over chains of them."""
FORMATS: Final = frozenset(
    """
    Arrow ArrowStream CSV CSVWithNames CSVWithNamesAndTypes JSON JSONColumns JSONColumnsWithMetadata
    JSONCompact JSONCompactColumns JSONCompactEachRow JSONCompactEachRowWithNames
    JSONCompactEachRowWithNamesAndTypes JSONCompactStrings JSONEachRow JSONObjectEachRow JSONStrings
    JSONStringsEachRow LineAsString Markdown Native ORC Parquet Pretty PrettyCompact
    PrettyCompactMonoBlock PrettyCompactNoEscapes PrettyNoEscapes PrettySpace RowBinary
    RowBinaryWithNames RowBinaryWithNamesAndTypes TSKV TSV TSVRaw TSVWithNames TSVWithNamesAndTypes
    TabSeparated TabSeparatedRaw TabSeparatedWithNames TabSeparatedWithNamesAndTypes Values Vertical
    XML
    """.split()
)
"""Formats that only spell rows out."""
_BEGINNINGS: Final = frozenset({"SELECT", "WITH", "FROM"})
_ABOUT: Final = frozenset({"SHOW", "DESCRIBE", "DESC", "EXISTS"})
_DEEPER: Final = frozenset("([{")
_HIGHER: Final = frozenset(")]}")


def tokens_of(text: str) -> list[Token]:
    """The statement's tokens, without a semicolon at its end. Raises ClickHouseError."""
    encoded = text.encode("utf-8", "surrogateescape")
    if len(encoded) > LONGEST:
        raise unreadable(f"a statement has at most {LONGEST:,} bytes; send values as parameters.")
    tokens: list[Token] = []
    for token in tokenize(encoded):
        tokens.append(token)
        if len(tokens) == 1:  # before the rest, which may be rows and no text
            _check_beginning(token)
        if len(tokens) > MOST_TOKENS:
            raise unreadable(
                f"a statement has at most {MOST_TOKENS:,} words and signs;"
                " send long lists as parameters, such as {ids:Array(UUID)}."
            )
    if tokens and _is(tokens[-1], ";"):
        tokens.pop()
    if any(_is(token, ";") for token in tokens):
        raise denied("there is more than one statement")
    _check_depth(tokens)
    return tokens


def without_format(text: str, tokens: list[Token], default: str) -> tuple[str, list[Token], str]:
    """The statement without a FORMAT at its end, its tokens, and the format to answer in."""
    wanted = default
    if len(tokens) > 2 and tokens[-2].word == "FORMAT" and tokens[-1].kind is Kind.NAME:
        wanted = tokens[-1].text
        tokens = tokens[:-2]
    if wanted not in FORMATS:
        raise denied(
            f"the format `{wanted[:40]}` is not available",
            f"Formats for analysts: {', '.join(sorted(FORMATS))}",
        )
    encoded = text.encode("utf-8", "surrogateescape")
    end = tokens[-1].end if tokens else 0
    return encoded[:end].decode("utf-8", "surrogateescape"), tokens, wanted


def query_of(text: str, tokens: Sequence[Token]) -> exp.Query:
    """The one query a text is; `tokens` are the text's. Raises ClickHouseError."""
    first = next((token for token in tokens if not _is(token, "(")), None)
    if first is None:
        raise unreadable("Empty query.")
    if first.word not in _BEGINNINGS:
        raise _no_query(first)
    try:
        found = read(text)
    except (TooInvolvedError, RecursionError):
        raise unreadable("the statement is too involved; take it apart with WITH.") from None
    except SqlglotError as error:
        raise unreadable(_first_complaint(error)) from None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise denied("this is no query")
    return found[0]


def _check_beginning(token: Token) -> None:
    if not _is(token, "(") and token.word not in _BEGINNINGS | _ABOUT:
        raise _no_query(token)


def _no_query(token: Token) -> ClickHouseError:
    return denied(f"statements that begin with {token.text[:40].upper()!r} are not available")


def _first_complaint(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return "the statement cannot be read."
    first = details[0]
    place = f"line {first.get('line')}, column {first.get('col')}"
    return f"{first.get('description')} at {place}, near {first.get('highlight')!r}."


def _check_depth(tokens: Sequence[Token]) -> None:
    depth = deepest = 0
    for token in tokens:
        if token.word == "CASE" or (token.kind is Kind.PUNCT and token.text in _DEEPER):
            depth += 1
        elif token.word == "END" or (token.kind is Kind.PUNCT and token.text in _HIGHER):
            depth -= 1
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise unreadable(f"parentheses may stand {DEEPEST} deep; take it apart with WITH.")
    indexes = sum(_is(before, "]") and _is(after, "[") for before, after in pairwise(tokens))
    if indexes > MOST_INDEXES:
        raise unreadable(f"a statement has at most {MOST_INDEXES} indexes of indexes.")


def _is(token: Token, sign: str) -> bool:
    return token.kind is Kind.PUNCT and token.text == sign

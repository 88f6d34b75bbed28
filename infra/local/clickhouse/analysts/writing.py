"""From a bound query to the text for the engine, and a last look at that text.

The look is taken at tokens, by our own lexer: it does not rely on the tree, its checks or the
library that wrote the text. Each bare word must be known, each call allowed, each table either a
name given by WITH or one of ours with its organization's condition right behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlglot import exp

from infra.local.clickhouse.analysts.dialect import write
from infra.local.clickhouse.analysts.functions import is_allowed
from infra.local.clickhouse.analysts.refusals import denied, unreadable
from infra.local.clickhouse.analysts.rewriting import RENAMED
from infra.local.clickhouse.analysts.tables import OPEN, ORGANIZATION, STORED
from infra.local.clickhouse.lexer import Kind, Token, tokenize
from projections.clickhouse.connect import DATABASE

_KEYWORDS: Final = frozenset(
    """
    ALL AND ANTI ANY ARRAY AS ASC ASOF BETWEEN BY CASE CAST CROSS CUBE CURRENT DESC DISTINCT ELSE
    END EXCEPT EXISTS FALSE FILTER FIRST FOLLOWING FROM FULL GLOBAL GROUP GROUPING HAVING ILIKE IN
    INNER INTERSECT INTERVAL IS JOIN LAST LEFT LIKE LIMIT NOT NULL NULLS OFFSET ON OR ORDER OUTER
    OVER PARTITION PRECEDING PREWHERE QUALIFY RANGE REPLACE RIGHT ROLLUP ROW ROWS SELECT SEMI SETS
    THEN TOTALS TRUE UNBOUNDED UNION USING WHEN WHERE WINDOW WITH
    MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR
    """.split()
)
_REFUSED_SIGNS: Final = frozenset(";@?^&~")
_TYPES: Final = frozenset(
    """
    ARRAY BOOL DATE DATE32 DATETIME DATETIME64 DECIMAL FIXEDSTRING FLOAT32 FLOAT64 INT128 INT16
    INT256 INT32 INT64 INT8 LOWCARDINALITY MAP NULLABLE STRING TUPLE UINT128 UINT16 UINT256 UINT32
    UINT64 UINT8 UUID
    """.split()
)


def text_of(query: exp.Query, organization: UUID) -> str:
    """The text of a bound query. Raises ClickHouseError when anything in it is not known."""
    try:
        text = write(query)
    except RecursionError:
        raise unreadable("the statement is too involved; take it apart with WITH.") from None
    look_at(text, organization)
    return text


def look_at(text: str, organization: UUID) -> None:
    """Raises ClickHouseError for a text that may not reach the engine as this organization's."""
    tokens = list(tokenize(text.encode("utf-8", "surrogateescape")))
    in_parameter = False
    for place, token in enumerate(tokens):
        before = tokens[max(place - 2, 0) : place]
        after = tokens[place + 1 : place + 9]
        if token.kind is Kind.PUNCT:
            _check_sign(token)
            in_parameter = token.text == "{" or (in_parameter and token.text != "}")
        elif in_parameter:
            _check_parameter(token, before[-1:])
        elif token.kind is Kind.NAME:
            _check_word(token, before, after, organization)
        elif token.kind is Kind.QUOTED:
            _check_quoted(token, before, after)


def _check_sign(token: Token) -> None:
    if token.text in _REFUSED_SIGNS:
        raise denied(f"the sign {token.text!r} is not available here")


def _check_parameter(token: Token, before: Sequence[Token]) -> None:
    is_name = bool(before) and _is(before[0], "{")
    is_type = token.kind is not Kind.NAME or token.word in _TYPES
    if token.kind is Kind.QUOTED or not (is_name or is_type):
        raise denied(
            f"a parameter of the type `{token.text[:40]}` is not available",
            "Take one of the usual types, such as {id:UUID} or {ids:Array(UUID)}",
        )


def _check_word(
    token: Token, before: Sequence[Token], after: Sequence[Token], organization: UUID
) -> None:
    called = bool(after) and _is(after[0], "(")
    if called and is_allowed(token.text):
        return
    if token.word not in _KEYWORDS and token.word not in _TYPES:
        raise denied(f"`{token.text[:60]}` is not available here")
    if _is_source([*before, token]):
        _check_source(after, organization)
    if token.word == "IN":
        inside = next((each for each in after if not _is(each, "(")), None)
        if not called and not (after and after[0].text in {"[", "{"}):
            raise denied("right of IN stands neither a list nor a query")
        if inside is None or inside.kind is Kind.QUOTED:
            raise denied("right of IN stands a name, which would be a table")


def _check_source(after: Sequence[Token], organization: UUID) -> None:
    if after and _is(after[0], "("):
        return
    names = [token.text for token in after[:3] if token.kind is Kind.QUOTED]
    if len(after) > 0 and after[0].kind is Kind.QUOTED and after[0].text.startswith(RENAMED):
        return
    ours = len(names) == 2 and names[0] == DATABASE and _is(after[1], ".")
    if ours and names[1] in OPEN:
        return
    if not (ours and names[1] in STORED and _is_condition(after[3:8], organization)):
        raise denied("a table is read without its organization's condition")


def _is_condition(tokens: Sequence[Token], organization: UUID) -> bool:
    """Whether these are the condition and the end of its query: nothing may weaken it."""
    return [(token.kind, token.text) for token in tokens] == [
        (Kind.NAME, "PREWHERE"),
        (Kind.QUOTED, ORGANIZATION),
        (Kind.PUNCT, "="),
        (Kind.STRING, str(organization)),
        (Kind.PUNCT, ")"),
    ]


def _check_quoted(token: Token, before: Sequence[Token], after: Sequence[Token]) -> None:
    if after and _is(after[0], "("):
        raise denied("the name of a function stands in quotes")
    if token.text == DATABASE and not _is_source(before):
        raise denied(f"nothing but the database is called `{DATABASE}`; choose another name")


def _is_source(tokens: Sequence[Token]) -> bool:
    """Whether a table follows these tokens."""
    words = [token.word for token in tokens[-2:]]
    return words[-1:] == ["FROM"] or (words[-1:] == ["JOIN"] and words != ["ARRAY", "JOIN"])


def _is(token: Token, sign: str) -> bool:
    return token.kind is Kind.PUNCT and token.text == sign

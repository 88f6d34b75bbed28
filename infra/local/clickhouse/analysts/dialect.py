"""ClickHouse's dialect, reading functions as they are written, with bounded work.

sqlglot knows many functions and translates some; analysts' calls must reach the engine by the name
that was checked, so here every call is just a name and its arguments. Its parser also tries some
things in several ways and goes back: here it may only take so many steps.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.errors import ErrorLevel
from sqlglot.generators.clickhouse import ClickHouseGenerator
from sqlglot.parsers.clickhouse import ClickHouseParser

_STEPS_PER_TOKEN: Final = 8


class TooInvolvedError(Exception):
    """Reading a statement took more steps than its length allows."""


class AnalystParser(ClickHouseParser):
    """Calls are names with arguments, and every movement over the tokens is counted."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CAST": ClickHouseParser.FUNCTION_PARSERS["CAST"]}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": ClickHouseParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }
    steps = 0

    def _advance(self, times: int = 1) -> None:
        self.steps += 1
        if self.steps > 1000 + _STEPS_PER_TOKEN * len(self._tokens):
            raise TooInvolvedError
        super()._advance(times)


class OwnText(exp.Expression):
    """A query of ours that stands in the text as it is; no parser makes one."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class AnalystGenerator(ClickHouseGenerator):
    """Writes what was checked, and texts of ours."""

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **ClickHouseGenerator.TRANSFORMS,
        OwnText: lambda _, own: own.this,
    }


class Analyst(ClickHouse):
    """The dialect that analysts' statements are read and written in."""

    Parser = AnalystParser
    Generator = AnalystGenerator


def read(text: str) -> list[exp.Expr | None]:
    """The statements of a text. Raises sqlglot's SqlglotError, TooInvolvedError, RecursionError."""
    dialect = Analyst()
    parser = dialect.parser(error_level=ErrorLevel.IMMEDIATE)
    return parser.parse(dialect.tokenize(text), text)


def write(query: exp.Expr) -> str:
    """The text of a checked query: every name quoted, no comments."""
    for name in query.find_all(exp.Identifier):
        name.set("quoted", True)  # the writer leaves some bare, such as those of lambdas
    return Analyst().generate(query, identify=True, comments=False)

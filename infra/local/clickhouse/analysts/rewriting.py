"""Binding a checked query to one organization, at every table in it.

Each table becomes a query of its rows of this organization; names given by WITH are renamed to
what no table can be called, so that nothing depends on who sees which name first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp

from infra.local.clickhouse.analysts.dialect import OwnText
from infra.local.clickhouse.analysts.refusals import denied
from projections.clickhouse.connect import DATABASE

RENAMED: Final = "with "
"""What a name given by WITH begins with, once rewritten."""
Names = Mapping[str, str]
Source = Callable[[str, str], str]
"""(table, database or "") -> the query, as text, that stands for it. Raises ClickHouseError."""


def bind(node: exp.Expr, source: Source, names: Names | None = None) -> None:
    """Puts `source` in the place of every table below `node`. Raises ClickHouseError.

    `names`: those that a WITH around it gave, and what they are called now.
    """
    names = names or {}
    if isinstance(node, exp.Table):
        _replace(node, source, names)
        return
    beginning = node.args.get("with_")
    if beginning is not None:
        names = _named(beginning, source, names)
    if isinstance(node, exp.Column) and node.db == DATABASE:
        node.set("db", None)
    for child in list(node.iter_expressions()):
        if child is not beginning:
            bind(child, source, names)


def _named(beginning: exp.Expr, source: Source, names: Names) -> Names:
    """The names after a WITH; each element sees those before it, none sees itself."""
    for element in beginning.expressions:
        bind(element.this, source, names)
        if not element.args.get("scalar"):
            name = element.alias
            names = {**names, name: RENAMED + name}
            element.args["alias"].set("this", _quoted(RENAMED + name))
    return names


def _replace(table: exp.Table, source: Source, names: Names) -> None:
    named = isinstance(table.this, exp.Identifier) and isinstance(
        table.args.get("db"), (exp.Identifier, type(None))
    )
    if not named or not isinstance(table.parent, (exp.From, exp.Join)):
        raise denied("table functions, and tables given as parameters, are not available")
    alias = exp.TableAlias(this=_quoted(table.alias or table.name))
    if not table.db and table.name in names:
        table.replace(exp.Table(this=_quoted(names[table.name]), alias=alias))
    else:
        own = OwnText(this=source(table.name, table.db))
        table.replace(exp.Subquery(this=own, alias=alias))


def _quoted(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)

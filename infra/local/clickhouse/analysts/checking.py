"""What a query may be made of: every node of its tree is on a list, or the query is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from infra.local.clickhouse.analysts.functions import is_allowed
from infra.local.clickhouse.analysts.refusals import denied, unreadable

MOST_READS: Final = 32
"""Tables that one statement may read."""
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f\"'`\\]{1,128}")
_CALL: Final = frozenset({"this", "expressions"})
_TWO: Final = frozenset({"this", "expression"})

_PARTS: Final[dict[type[exp.Expr], frozenset[str]]] = {
    exp.Select: frozenset(
        {
            "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having",
            "qualify", "windows", "order", "limit", "offset",
        }
    ),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Union: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Except: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Intersect: frozenset({"with_", "this", "expression", "distinct"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias", "scalar"}),
    exp.TableAlias: frozenset({"this"}),
    exp.From: frozenset({"this"}),
    exp.Join: frozenset({"this", "expressions", "side", "kind", "on", "using"}),
    exp.Table: frozenset({"this", "db", "alias"}),
    exp.Where: frozenset({"this"}),
    exp.Group: frozenset({"expressions", "totals", "rollup", "cube", "grouping_sets", "all"}),
    exp.Rollup: frozenset({"expressions"}),
    exp.Cube: frozenset({"expressions"}),
    exp.GroupingSets: frozenset({"expressions"}),
    exp.Having: frozenset({"this"}),
    exp.Qualify: frozenset({"this"}),
    exp.Order: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression", "expressions"}),
    exp.Offset: frozenset({"expression", "expressions"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
    exp.Filter: frozenset({"this", "expression"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Star: frozenset({"except_", "replace"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.HexString: frozenset({"this", "is_integer"}),
    exp.Boolean: frozenset({"this"}),
    exp.Null: frozenset(),
    exp.Var: frozenset({"this"}),
    exp.Paren: frozenset({"this"}),
    exp.Tuple: frozenset({"expressions"}),
    exp.Array: frozenset({"expressions"}),
    exp.Bracket: frozenset({"this", "expressions", "offset"}),
    exp.Dot: _TWO,
    exp.Lambda: frozenset({"this", "expressions"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions", "nested", "nullable"}),
    exp.DataTypeParam: frozenset({"this"}),
    exp.Placeholder: frozenset({"this", "kind"}),
    exp.Interval: frozenset({"this", "unit"}),
    exp.In: frozenset({"this", "expressions", "query", "field", "is_global"}),
    exp.Exists: frozenset({"this"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Is: _TWO,
    exp.Like: _TWO | {"negate"},
    exp.ILike: _TWO | {"negate"},
    exp.Not: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    **dict.fromkeys((exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _TWO),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod), _TWO),
    exp.DPipe: _TWO | {"safe"},
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
    exp.Anonymous: _CALL,
    exp.AnonymousAggFunc: _CALL,
    exp.CombinedAggFunc: _CALL,
    exp.ParameterizedAgg: _CALL | {"params"},
    exp.CombinedParameterizedAgg: _CALL | {"params"},
}  # fmt: skip
_WORDS: Final[dict[type[exp.Expr], str]] = {
    exp.Final: "FINAL (no table needs it)",
    exp.PreWhere: "PREWHERE (write WHERE)",
    exp.TableSample: "SAMPLE",
    exp.Apply: "APPLY",
    exp.Values: "VALUES",
}
_JOIN_KINDS: Final = frozenset(
    {"", "INNER", "OUTER", "CROSS", "ANY", "ALL", "ASOF", "SEMI", "ANTI", "ARRAY"}
)
_SIDES: Final = frozenset({"", "LEFT", "RIGHT", "FULL"})
_CALLS: Final = (
    exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc, exp.ParameterizedAgg,
    exp.CombinedParameterizedAgg,
)  # fmt: skip


def check(query: exp.Query) -> None:
    """Raises ClickHouseError for the first thing in the query that is not on a list."""
    if reads(query, {}) > MOST_READS:
        raise unreadable(
            f"a statement reads at most {MOST_READS} tables; what WITH names counts at each use."
        )
    for node in query.walk():
        _check_parts(node)
        match node:
            case exp.Identifier():
                _check_name(node)
            case exp.In():
                _check_in(node)
            case exp.Join():
                _check_join(node)
            case exp.CTE():
                _check_cte(node)
            case exp.Column():
                _check_column(node)
            case exp.Limit() | exp.Offset():
                _check_bound(node)
            case exp.Lambda():
                if not all(isinstance(each, exp.Identifier) for each in node.expressions):
                    raise denied("a lambda takes names")
        if isinstance(node, _CALLS):
            _check_call(node)


def reads(node: exp.Expr, names: Mapping[str, int]) -> int:
    """How many tables a query reads. `names`: the same for what a WITH around it named.

    The engine reads what WITH names anew at each use, so that a few lines can be millions.
    """
    if isinstance(node, exp.Table):
        return names.get(node.name, 1)
    beginning = node.args.get("with_")
    total = 0
    for element in beginning.expressions if beginning is not None else ():
        own = reads(element.this, names)
        total += own if element.args.get("scalar") else 0
        names = {**names, element.alias: max(own, 1)}
    children = (child for child in node.iter_expressions() if child is not beginning)
    return total + sum(reads(child, names) for child in children)


def _check_parts(node: exp.Expr) -> None:
    kind: type[exp.Expr] = type(node)
    parts = _PARTS.get(kind)
    if parts is None:
        word = _WORDS.get(kind, kind.__name__.upper())
        raise denied(f"{word} is not available")
    for name, value in node.args.items():
        if value not in (None, False, [], "") and name not in parts:
            what = name.strip("_").upper()
            raise denied(f"{what} is not available in {kind.__name__.upper()}")


def _check_name(name: exp.Identifier) -> None:
    if not _PLAIN.fullmatch(name.this):
        raise denied("a name has quotes, backslashes or control characters, or is too long")


def _check_call(call: exp.Expr) -> None:
    name = call.this
    if not isinstance(name, str):
        raise denied("the name of a function stands in quotes")
    if not is_allowed(name):
        raise denied(
            f"the function `{name[:60]}` is not available",
            "Analysts call functions that only compute from their arguments"
            " (docs/reference/analysts.md lists them)",
        )


def _check_in(node: exp.In) -> None:
    """Right of IN, the engine would take a bare name for a table."""
    field = node.args.get("field")
    several = [*node.expressions, *([field] if field is not None else [])]
    if any(isinstance(_unwrapped(each), exp.Column) for each in several):
        raise denied(
            "right of IN stands a name, which would be a table",
            "Write IN (SELECT ... FROM ...), IN with a list of values, or has(array, x)",
        )
    query = node.args.get("query")
    if query is not None and not isinstance(query, exp.Query):
        raise denied("right of IN stands neither a list nor a query")


def _unwrapped(node: exp.Expr) -> exp.Expr:
    while isinstance(node, (exp.Paren, exp.Alias)):
        node = node.this
    return node


def _check_join(join: exp.Join) -> None:
    if join.kind.upper() not in _JOIN_KINDS or join.side.upper() not in _SIDES:
        raise denied(f"{join.side} {join.kind} JOIN is not available")
    is_array = join.kind.upper() == "ARRAY"
    if not is_array and not isinstance(join.this, (exp.Table, exp.Subquery)):
        raise denied("a join is with a table or a query")
    if is_array and any(isinstance(each, exp.Table) for each in (join.this, *join.expressions)):
        raise denied("ARRAY JOIN takes columns and arrays")


def _check_cte(cte: exp.CTE) -> None:
    is_query = isinstance(cte.this, exp.Query) and not isinstance(cte.this, exp.Subquery)
    if not cte.args.get("scalar") and not is_query:
        raise denied("WITH ... AS takes a query")


def _check_column(column: exp.Column) -> None:
    if isinstance(column.this, exp.Star) and column.args.get("db") is not None:
        raise denied("a star is qualified by a table's name or alias only")


def _check_bound(node: exp.Expr) -> None:
    value = node.args.get("expression")
    if not isinstance(value, (exp.Literal, exp.Placeholder)):
        raise denied("LIMIT and OFFSET take a number")

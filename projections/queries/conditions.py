"""Audience conditions: checked against closed lists, then compiled to one SQL predicate.

A condition is true or false for every contact, never unknown: a missing value matches nothing
but `ne`, `exists: false` and a surrounding `not`. What a person wrote only ever becomes a
parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from psycopg import sql

MAX_DEPTH: Final = 8
MAX_LEAVES: Final = 100
_LARGEST = 1e30
MAX_DAYS: Final = 36_500
_TEXTS: Final = frozenset({"email", "first_name", "last_name", "timezone"})
_COMPARED: Final = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_EVERY_OP: Final = frozenset(
    {"eq", "ne", "in", "contains", "exists", "before_days", "after_days", *_COMPARED}
)
_TEXT_OPS: Final = frozenset({"eq", "ne", "in", "contains", "exists"})
_TIME_OPS: Final = frozenset({"eq", "ne", "exists", "before_days", "after_days", *_COMPARED})

Compiled = tuple[sql.Composable, list[Any]]


class ConditionError(Exception):
    """The conditions are not ones we know. `field` is the path to the part that is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


def compile_conditions(conditions: Mapping[str, Any], now: datetime) -> Compiled:
    """A predicate over `views.contacts AS c` and its parameters, in order.

    `now` (aware) is what days are counted from. Everyone is `{"all": []}`. Raises ConditionError.
    """
    leaves = [0]
    return _node(conditions, "conditions", now, 0, leaves)


def check_conditions(conditions: Any) -> None:
    """Raise ConditionError unless the conditions can be compiled."""
    compile_conditions(conditions, datetime(2000, 1, 1, tzinfo=UTC))


def _node(node: Any, path: str, now: datetime, depth: int, leaves: list[int]) -> Compiled:
    if not isinstance(node, Mapping):
        raise ConditionError(path, "must be an object with all, any, not, or field and op")
    if depth > MAX_DEPTH:
        raise ConditionError(path, f"nested more than {MAX_DEPTH} deep")
    match sorted(node):
        case ["all" | "any" as word]:
            return _many(node[word], word, f"{path}.{word}", now, depth, leaves)
        case ["not"]:
            inner, params = _node(node["not"], f"{path}.not", now, depth + 1, leaves)
            return sql.SQL("NOT ({})").format(inner), params
        case ["field", "op"] | ["field", "op", "value"]:
            leaves[0] += 1
            if leaves[0] > MAX_LEAVES:
                raise ConditionError(path, f"more than {MAX_LEAVES} conditions")
            return _leaf(node, path, now)
    raise ConditionError(path, "must be exactly one of all, any, not, or field, op and value")


def _many(
    parts: Any, word: str, path: str, now: datetime, depth: int, leaves: list[int]
) -> Compiled:
    if not isinstance(parts, list):
        raise ConditionError(path, "must be a list")
    compiled = [_node(p, f"{path}.{i}", now, depth + 1, leaves) for i, p in enumerate(parts)]
    if not compiled:
        return sql.SQL("true" if word == "all" else "false"), []
    joined = sql.SQL(" AND " if word == "all" else " OR ").join(part for part, _ in compiled)
    return sql.SQL("({})").format(joined), [p for _, params in compiled for p in params]


def _leaf(node: Mapping[str, Any], path: str, now: datetime) -> Compiled:
    field, op, value = node["field"], node["op"], node.get("value")
    if not isinstance(field, str) or not isinstance(op, str) or op not in _EVERY_OP:
        raise ConditionError(f"{path}.op", f"must be one of {', '.join(sorted(_EVERY_OP))}")
    name = field.removeprefix("attributes.")
    compile_field: Callable[[], Compiled]
    if field in _TEXTS:
        allowed, compile_field = _TEXT_OPS, lambda: _text(field, op, value, path)
    elif field == "created_at":
        allowed, compile_field = _TIME_OPS, lambda: _created(op, value, path, now)
    elif field == "tags":
        allowed = frozenset({"in", "contains", "exists"})
        compile_field = lambda: _tags(op, value, path)  # noqa: E731
    elif field == "consent.status":
        allowed, compile_field = frozenset({"eq", "ne", "in"}), lambda: _consent(op, value, path)
    elif name != field and 0 < len(name) <= 200 and "\x00" not in name:
        allowed, compile_field = _EVERY_OP, lambda: _attribute(name, op, value, path, now)
    else:
        raise ConditionError(f"{path}.field", _FIELDS)
    if op not in allowed:
        raise ConditionError(f"{path}.op", f"{field} takes {', '.join(sorted(allowed))}")
    return compile_field()


_FIELDS: Final = (
    "must be one of email, first_name, last_name, timezone, created_at, tags, consent.status, "
    "attributes.<name>"
)


def _text(field: str, op: str, value: Any, path: str) -> Compiled:
    # `email` is the same address in any case; an empty text is a value that was never given.
    column = sql.SQL("lower(c.{})" if field == "email" else "c.{}").format(sql.Identifier(field))
    adapted: Callable[[str], str] = str.lower if field == "email" else str
    match op:
        case "exists":
            return _exists(sql.SQL("({} <> '')").format(column), value, path)
        case "in":
            return sql.SQL("({} = ANY(%s))").format(column), [
                [adapted(each) for each in _texts_of(value, path)]
            ]
        case "contains":
            return _contains(column, value, path)
        case "eq":
            return sql.SQL("({} = %s)").format(column), [adapted(_text_of(value, path))]
    return sql.SQL("({} <> %s)").format(column), [adapted(_text_of(value, path))]


def _created(op: str, value: Any, path: str, now: datetime) -> Compiled:
    if op == "exists":
        return _exists(sql.SQL("true"), value, path)
    return _moment(sql.SQL("c.created_at"), [], op, value, path, now)


def _moment(
    column: sql.Composable, params: list[Any], op: str, value: Any, path: str, now: datetime
) -> Compiled:
    """A comparison of a moment that may be null; `params` are the column's own."""
    match op:
        case "before_days":
            edge = now - _days(value, path)
            return sql.SQL("coalesce({} < %s, false)").format(column), [*params, edge]
        case "after_days":
            edge = now - _days(value, path)
            between = sql.SQL("coalesce({} BETWEEN %s AND %s, false)").format(column)
            return between, [*params, edge, now]
        case "ne":
            return sql.SQL("({} IS DISTINCT FROM %s)").format(column), [
                *params,
                _moment_of(value, path),
            ]
    compared = sql.SQL({"eq": "=", **_COMPARED}[op])
    return sql.SQL("coalesce({} {} %s, false)").format(column, compared), [
        *params,
        _moment_of(value, path),
    ]


def _tags(op: str, value: Any, path: str) -> Compiled:
    match op:
        case "exists":
            return _exists(sql.SQL("(cardinality(c.tags) > 0)"), value, path)
        case "in":
            return sql.SQL("(c.tags && %s::text[])"), [_texts_of(value, path)]
    return sql.SQL("(%s = ANY(c.tags))"), [_text_of(value, path)]


_CONSENTS: Final = frozenset({"granted", "unknown", "withdrawn"})


def _consent(op: str, value: Any, path: str) -> Compiled:
    wanted = _texts_of(value, path) if op == "in" else [_text_of(value, path)]
    if not set(wanted) <= _CONSENTS:
        raise ConditionError(f"{path}.value", f"must be of {', '.join(sorted(_CONSENTS))}")
    return sql.SQL(
        "(c.consent_status <> ALL(%s))" if op == "ne" else "(c.consent_status = ANY(%s))"
    ), [wanted]


_AS_NUMBER: Final = sql.SQL(
    "CASE WHEN jsonb_typeof(c.attributes -> %s) = 'number' THEN (c.attributes ->> %s)::numeric END"
)
_AS_TEXT: Final = sql.SQL(
    "CASE WHEN jsonb_typeof(c.attributes -> %s) = 'string' THEN c.attributes ->> %s END"
)
_AS_MOMENT: Final = sql.SQL("views.as_moment({})").format(_AS_TEXT)


def _attribute(name: str, op: str, value: Any, path: str, now: datetime) -> Compiled:
    own = [name, name]
    match op:
        case "exists":
            there = sql.SQL("(coalesce(c.attributes ->> %s, '') <> '')")
            return _exists(there, value, path, [name])
        case "contains":
            contained, params = _contains(_AS_TEXT, value, path)
            return contained, [*own, *params]
        case "in":
            return _attribute_in(own, value, path)
        case "eq" | "ne":
            return _attribute_equal(own, op, value, path)
        case "before_days" | "after_days":
            return _moment(_AS_MOMENT, own, op, value, path, now)
    if isinstance(value, str):
        return _moment(_AS_MOMENT, own, op, value, path, now)
    compared = sql.SQL("coalesce({} {} %s, false)").format(_AS_NUMBER, sql.SQL(_COMPARED[op]))
    return compared, [*own, _number_of(value, path)]


def _attribute_equal(own: list[Any], op: str, value: Any, path: str) -> Compiled:
    compared = sql.SQL("({} IS NOT DISTINCT FROM %s)" if op == "eq" else "({} IS DISTINCT FROM %s)")
    if isinstance(value, str):
        return compared.format(_AS_TEXT), [*own, _text_of(value, path)]
    return compared.format(_AS_NUMBER), [*own, _number_of(value, path)]


def _attribute_in(own: list[Any], value: Any, path: str) -> Compiled:
    if not isinstance(value, list) or len(value) > 1000:
        raise ConditionError(f"{path}.value", "must be a list of at most 1000 texts or numbers")
    texts = [_text_of(each, path) for each in value if isinstance(each, str)]
    numbers = [_number_of(each, path) for each in value if not isinstance(each, str)]
    either = sql.SQL(
        "(coalesce({} = ANY(%s::text[]), false) OR coalesce({} = ANY(%s::numeric[]), false))"
    ).format(_AS_TEXT, _AS_NUMBER)
    return either, [*own, texts, *own, numbers]


def _exists(
    there: sql.Composable, value: Any, path: str, params: list[Any] | None = None
) -> Compiled:
    if value is not None and not isinstance(value, bool):
        raise ConditionError(f"{path}.value", "must be true or false")
    return (sql.SQL("(NOT {})").format(there) if value is False else there), params or []


def _contains(column: sql.Composable, value: Any, path: str) -> Compiled:
    part = _text_of(value, path)
    return sql.SQL("coalesce(strpos(lower({}), lower(%s)) > 0, false)").format(column), [part]


def _text_of(value: Any, path: str) -> str:
    if not isinstance(value, str) or len(value) > 1000 or "\x00" in value:
        raise ConditionError(f"{path}.value", "must be a text of at most 1000 characters")
    return value


def _texts_of(value: Any, path: str) -> list[str]:
    if not isinstance(value, list) or len(value) > 1000:
        raise ConditionError(f"{path}.value", "must be a list of at most 1000 texts")
    return [_text_of(each, path) for each in value]


def _number_of(value: Any, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ConditionError(f"{path}.value", "must be a text or a number below 10^30")
    return Decimal(str(value))


def _days(value: Any, path: str) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_DAYS:
        raise ConditionError(f"{path}.value", f"must be a number of days from 0 to {MAX_DAYS}")
    return timedelta(days=value)


def _moment_of(value: Any, path: str) -> datetime:
    """An ISO date or RFC 3339 time; UTC where it has no offset."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ConditionError(f"{path}.value", "must be a date such as 2026-01-31 or a time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

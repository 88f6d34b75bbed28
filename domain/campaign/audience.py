"""Audience conditions in words, for people who read no JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LONGEST: Final = 500
EVERYONE: Final = "everyone"
_OPS: Final = {
    "eq": "is", "ne": "is not", "lt": "is below", "lte": "is at most", "gt": "is above",
    "gte": "is at least", "in": "is one of", "contains": "contains",
}  # fmt: skip


def describe(conditions: Mapping[str, Any]) -> str:
    """Checked conditions as one phrase, such as "contacts where tags contains vip"."""
    inner = _node(conditions)
    words = EVERYONE if inner == EVERYONE else f"contacts where {inner}"
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def _node(node: Mapping[str, Any]) -> str:
    if "all" in node:
        return _joined(node["all"], " and ") or EVERYONE
    if "any" in node:
        return _joined(node["any"], " or ") or "nobody is meant"
    if "not" in node:
        return f"not ({_node(node['not'])})"
    return _leaf(node)


def _joined(parts: list[Mapping[str, Any]], word: str) -> str:
    several = len(parts) > 1
    return word.join(
        f"({_node(part)})" if several and ("all" in part or "any" in part) else _node(part)
        for part in parts
    )


def _leaf(node: Mapping[str, Any]) -> str:
    field = str(node["field"]).removeprefix("attributes.").replace("_", " ")
    op, value = node["op"], node.get("value")
    match op:
        case "exists":
            return f"{field} is {'empty' if value is False else 'known'}"
        case "before_days":
            return f"{field} is more than {value} days ago"
        case "after_days":
            return f"{field} is within the last {value} days"
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{field} {_OPS[op]} {shown}"

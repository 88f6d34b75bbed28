"""Audience conditions that are not ones we know are refused, with the path to what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from projections.queries.conditions import ConditionError, check_conditions


def leaf(field: Any = "email", op: Any = "eq", value: Any = "a") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = leaf()
    for _ in range(depth):
        node = {"not": node}
    return node


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        (None, "conditions"),
        ([], "conditions"),
        ({}, "conditions"),
        ({"all": [], "any": []}, "conditions"),
        ({"all": {}}, "conditions.all"),
        ({"all": [leaf(), "x"]}, "conditions.all.1"),
        ({"any": [{"not": {"all": [{}]}}]}, "conditions.any.0.not.all.0"),
        ({**leaf(), "more": 1}, "conditions"),
        (nested(9), "conditions" + ".not" * 9),
        ({"all": [leaf()] * 101}, "conditions.all.100"),
        (leaf(op="like"), "conditions.op"),
        (leaf(op=["eq"]), "conditions.op"),
        (leaf(field=7), "conditions.op"),
        (leaf(field="password"), "conditions.field"),
        (leaf(field="attributes."), "conditions.field"),
        (leaf(field="attributes." + "x" * 201), "conditions.field"),
        (leaf(field="attributes.a\x00"), "conditions.field"),
        (leaf(field="email", op="lt"), "conditions.op"),
        (leaf(field="tags", op="eq"), "conditions.op"),
        (leaf(field="consent.status", op="contains"), "conditions.op"),
        (leaf(field="consent.status", value="yes"), "conditions.value"),
        (leaf(value=5), "conditions.value"),
        (leaf(value=None), "conditions.value"),
        (leaf(value="a\x00"), "conditions.value"),
        (leaf(op="in", value="a"), "conditions.value"),
        (leaf(op="in", value=[1]), "conditions.value"),
        (leaf(op="exists", value="yes"), "conditions.value"),
        (leaf(op="exists", value=1), "conditions.value"),
        (leaf(field="created_at", op="lt", value="yesterday"), "conditions.value"),
        (leaf(field="created_at", op="lt", value=20260101), "conditions.value"),
        (leaf(field="created_at", op="before_days", value=-1), "conditions.value"),
        (leaf(field="created_at", op="before_days", value=True), "conditions.value"),
        (leaf(field="created_at", op="before_days", value=10**9), "conditions.value"),
        (leaf(field="attributes.x", op="gt", value="abc"), "conditions.value"),
        (leaf(field="attributes.x", op="gt", value=float("nan")), "conditions.value"),
        (leaf(field="attributes.x", op="eq", value=True), "conditions.value"),
        (leaf(field="attributes.x", op="in", value=[None]), "conditions.value"),
    ],
)
def test_refused(conditions: Any, field: str) -> None:
    with pytest.raises(ConditionError) as refused:
        check_conditions(conditions)
    assert refused.value.field == field
    assert refused.value.detail


@pytest.mark.parametrize(
    "conditions",
    [
        {"all": []},
        {"any": [leaf(), {"not": leaf(op="exists", value=False)}]},
        {"field": "tags", "op": "exists"},
        leaf("attributes.last order; DROP", "before_days", 60),
        leaf("attributes.orders", "gte", 3.5),
        leaf("created_at", "gt", "2026-01-01T00:00:00+02:00"),
        nested(8),
    ],
)
def test_accepted(conditions: Any) -> None:
    assert check_conditions(conditions) is None  # type: ignore[func-returns-value]

"""Who is to blame when conditions do not hold, also where nobody can know any more."""

from __future__ import annotations

import random
from typing import Any

from projections.history.evidence import Finding, hold, leaves, to_blame


def leaf(name: str) -> dict[str, Any]:
    return {"field": f"attributes.{name}", "op": "exists"}


def found(conditions: dict[str, Any], known: dict[str, bool | None]) -> list[Finding]:
    names = [each["field"].removeprefix("attributes.") for each in leaves(conditions)]
    return [Finding(name, "exists", None, None, known[name], False) for name in names]


def blamed(conditions: dict[str, Any], **known: bool | None) -> list[str]:
    return [each.field for each in to_blame(conditions, found(conditions, known))]


def test_of_all_those_that_fail_are_to_blame() -> None:
    conditions = {"all": [leaf("a"), leaf("b"), leaf("c")]}
    assert blamed(conditions, a=True, b=False, c=False) == ["b", "c"]
    assert blamed(conditions, a=True, b=True, c=True) == []


def test_of_any_everything_is_to_blame_because_one_would_have_been_enough() -> None:
    conditions = {"any": [leaf("a"), leaf("b")]}
    assert blamed(conditions, a=False, b=False) == ["a", "b"]
    assert blamed(conditions, a=False, b=True) == []


def test_below_a_not_those_that_hold_are_to_blame() -> None:
    conditions = {"all": [leaf("a"), {"not": {"any": [leaf("b"), leaf("c")]}}]}
    assert blamed(conditions, a=True, b=False, c=True) == ["c"]


def test_what_is_erased_is_to_blame_only_where_nothing_known_is() -> None:
    conditions = {"all": [leaf("a"), leaf("b")]}
    assert blamed(conditions, a=None, b=False) == ["b"]
    assert blamed(conditions, a=None, b=True) == ["a"]
    assert hold(conditions, found(conditions, {"a": None, "b": True})) is None


def test_whether_conditions_hold_is_what_evaluating_them_gives() -> None:
    rng = random.Random(1)

    def grow(depth: int) -> dict[str, Any]:
        if depth == 0 or rng.random() < 0.3:
            return leaf(str(rng.randrange(6)))
        if rng.random() < 0.3:
            return {"not": grow(depth - 1)}
        return {rng.choice(["all", "any"]): [grow(depth - 1) for _ in range(rng.randint(0, 3))]}

    def evaluated(node: dict[str, Any], known: dict[str, bool]) -> bool:
        match node:
            case {"all": parts}:
                return all(evaluated(part, known) for part in parts)
            case {"any": parts}:
                return any(evaluated(part, known) for part in parts)
            case {"not": part}:
                return not evaluated(part, known)
        return known[node["field"].removeprefix("attributes.")]

    for _ in range(500):
        conditions = grow(4)
        known = {str(n): rng.random() < 0.5 for n in range(6)}
        findings = found(conditions, dict(known))
        assert hold(conditions, findings) is evaluated(conditions, known)
        if hold(conditions, findings):
            assert to_blame(conditions, findings) == []

"""Evidence of an audience: which conditions a contact met, with what was known of it then.

Truth is Postgres's: the same compiled predicate that expanded the audience, over the one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from psycopg import sql
from psycopg.types.json import Jsonb

from projections.history.streams import is_erased
from projections.postgres.views.contacts import ContactRow
from projections.queries.conditions import compile_conditions
from projections.queries.rows import Conn
from schemas.codec import Event

_UNSEALED: Final = frozenset({"created_at", "consent.status"})
# One row under the name that compiled conditions use for the contacts view.
_ROW: Final = sql.SQL(
    """SELECT {} FROM (SELECT %s::text AS email, %s::text AS first_name, %s::text AS last_name,
           %s::text AS timezone, %s::jsonb AS attributes, %s::text[] AS tags,
           %s::text AS consent_status, %s::timestamptz AS created_at) AS c"""
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition and how the contact stood to it. `met` is None where that is erased."""

    field: str
    op: str
    value: Any
    known: Any
    met: bool | None
    erased: bool


class Judge(Protocol):
    """Whether a contact meets each of several conditions at a moment."""

    def __call__(
        self, row: ContactRow, conditions: Sequence[Mapping[str, Any]], now: datetime
    ) -> list[bool]:
        """Raises ConditionError."""
        ...


def judge_on(conn: Conn) -> Judge:
    """The judge that asks Postgres, once for all conditions."""

    def judge(
        row: ContactRow, conditions: Sequence[Mapping[str, Any]], now: datetime
    ) -> list[bool]:
        compiled = [compile_conditions(each, now) for each in conditions]
        if not compiled:
            return []
        query = _ROW.format(sql.SQL(", ").join(predicate for predicate, _ in compiled))
        params = [param for _, params in compiled for param in params]
        known = (
            row.email, row.first_name, row.last_name, row.timezone, Jsonb(row.attributes),
            row.tags, row.consent_status, row.created_at,
        )  # fmt: skip
        found = conn.execute(query, [*params, *known]).fetchone()
        return list(found or ())

    return judge


def leaves(conditions: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The single conditions inside of checked ones, in order."""
    if "not" in conditions:
        yield from leaves(conditions["not"])
    elif "field" in conditions:
        yield conditions
    else:
        for part in conditions.get("all", conditions.get("any", ())):
            yield from leaves(part)


def findings(
    judge: Judge,
    row: ContactRow,
    conditions: Mapping[str, Any],
    now: datetime,
    *,
    erased: bool,
) -> list[Finding]:
    """Every single condition with what was known. `erased`: the contact's key is gone."""
    single = list(leaves(conditions))
    met = judge(row, single, now)
    return [_finding(leaf, row, truth, erased) for leaf, truth in zip(single, met, strict=True)]


def _finding(leaf: Mapping[str, Any], row: ContactRow, met: bool, erased: bool) -> Finding:
    field, gone = leaf["field"], erased and leaf["field"] not in _UNSEALED
    return Finding(
        field, leaf["op"], leaf.get("value"),
        None if gone else known_value(row, field), None if gone else met, gone,
    )  # fmt: skip


def known_value(row: ContactRow, field: str) -> Any:
    """What the row says of a condition's field; None where it says nothing."""
    if field.startswith("attributes."):
        return row.attributes.get(field.removeprefix("attributes."))
    value = getattr(row, {"consent.status": "consent_status"}.get(field, field))
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def to_blame(conditions: Mapping[str, Any], found: Sequence[Finding]) -> list[Finding]:
    """Of the findings, in the order of `leaves`, those for which the conditions do not hold.

    None when they do hold; those that nobody can know any more when it hangs on them.
    """
    return _blamed(conditions, iter(found), wanted=True)[1]


def hold(conditions: Mapping[str, Any], found: Sequence[Finding]) -> bool | None:
    """Whether the conditions hold; None when it hangs on what is erased."""
    return _blamed(conditions, iter(found), wanted=True)[0]


_Verdict = tuple[bool | None, list[Finding]]


def _blamed(node: Mapping[str, Any], found: Iterator[Finding], *, wanted: bool) -> _Verdict:
    """Whether the node is as wanted, and who is to blame where it is not."""
    if "not" in node:
        return _blamed(node["not"], found, wanted=not wanted)
    if "field" in node:
        finding = next(found)
        right = None if finding.met is None else finding.met is wanted
        return right, [] if right else [finding]
    parts = [_blamed(part, found, wanted=wanted) for part in node.get("all", node.get("any", ()))]
    # "all" wanted true, and "any" wanted false, need every part; otherwise one part is enough.
    if ("all" in node) is wanted:
        wrong = [part for part in parts if part[0] is False] or [p for p in parts if p[0] is None]
        return _every([right for right, _ in parts]), [f for _, fs in wrong for f in fs]
    right = _some([right for right, _ in parts])
    return right, [] if right else [f for _, fs in parts for f in fs]


def _every(parts: Sequence[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def _some(parts: Sequence[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


Fold = Callable[[Sequence[Event]], ContactRow | None]


@dataclass(frozen=True, slots=True)
class AsRead:
    """A contact as the reading of an audience may have seen it, after its event `last`."""

    last: Event | None
    row: ContactRow | None
    erased: bool


def as_read(events: Sequence[Event], fold: Fold, since: int, until: int) -> list[AsRead]:
    """Every state a contact had between two positions, the latest first.

    The view was at least at `since` when the audience was read, and the reading ended before
    `until`; nearly always that is one state.
    """
    seen = [event for event in events if event.position < until]
    first = sum(event.position <= since for event in seen)
    return [_after(seen[:count], fold) for count in range(len(seen), first - 1, -1)]


def _after(events: Sequence[Event], fold: Fold) -> AsRead:
    row = fold(events) if events else None
    return AsRead(events[-1] if events else None, row, any(is_erased(e.data) for e in events))

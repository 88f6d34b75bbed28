"""Campaign counters: sums over delivery rows, kept by the difference each change makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg

from projections.postgres.folding import Change
from projections.postgres.views.deliveries import DeliveryRow

METRICS: Final = (
    "intended", "withheld", "accepted", "refused", "ambiguous", "held", "delivered",
    "opened", "opened_unique", "clicked", "clicked_unique", "bounced", "complained", "unsubscribed",
    "opened_by_machine", "opened_unique_by_people", "clicked_by_machine",
    "clicked_unique_by_people",
)  # fmt: skip
Step = tuple[str, int, str]
"""Campaign, step, organization."""

_Counts = tuple[int, ...]
_NONE: Final[_Counts] = (0,) * len(METRICS)


def counts_of(row: DeliveryRow | None) -> dict[str, int]:
    """What one delivery adds to its campaign's metrics. A test send adds nothing."""
    return dict(zip(METRICS, _counts(row), strict=True))


def _counts(row: DeliveryRow | None) -> _Counts:
    if row is None or row.kind != "campaign":
        return _NONE
    return (
        1,
        row.state == "withheld",
        row.accepted,
        row.refused,
        row.state == "ambiguous",
        row.state == "held",
        row.delivered,
        row.opened,
        row.opened > 0,
        row.clicked,
        row.clicked > 0,
        row.bounced,
        row.complained,
        row.unsubscribed,
        row.opened_by_machine,
        row.opened > row.opened_by_machine,
        row.clicked_by_machine,
        row.clicked > row.clicked_by_machine,
    )


def deltas(changes: Iterable[Change]) -> dict[Step, _Counts]:
    """By campaign step, what the changes add to each of METRICS (negative: take away).

    Most changes of a batch are alike, so equal ones are counted before anything is subtracted.
    """
    alike: Counter[tuple[Step, _Counts, _Counts]] = Counter(
        (
            (change.after.campaign_id, change.after.step, change.after.organization_id),
            _counts(change.before),
            _counts(change.after),
        )
        for change in changes
    )
    sums: dict[Step, list[int]] = {}
    for (step, before, after), times in alike.items():
        if before != after:
            total = sums.setdefault(step, [0] * len(METRICS))
            for place, (old, new) in enumerate(zip(before, after, strict=True)):
                total[place] += times * (new - old)
    return {step: tuple(total) for step, total in sums.items() if any(total)}


_COLUMNS = ", ".join(METRICS)
_ADD = f"""
    INSERT INTO {{}}.campaign_counters AS known (campaign_id, step, organization_id, {_COLUMNS})
    SELECT * FROM unnest(%s::uuid[], %s::integer[], %s::uuid[]{", %s::bigint[]" * len(METRICS)})
    ON CONFLICT (campaign_id, step) DO UPDATE
    SET {", ".join(f"{name} = known.{name} + EXCLUDED.{name}" for name in METRICS)}
"""  # noqa: S608 - names from the closed list above
_ADD_IN = {schema: _ADD.format(schema) for schema in ("views", "shadow")}


def add(
    conn: psycopg.Connection[Any], sums: Mapping[Step, Sequence[int]], schema: str = "views"
) -> None:
    """Add the differences to the stored counters, in key order, so that two writers of
    different partitions wait for each other and never deadlock."""
    if sums:
        ordered = sorted(sums)
        columns = [*zip(*ordered, strict=True), *zip(*(sums[s] for s in ordered), strict=True)]
        conn.execute(_ADD_IN[schema], [list(column) for column in columns])

"""The views in memory: the same folds as the writer's, over dicts instead of tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from projections.postgres.counters import METRICS, counts_of, deltas
from projections.postgres.folding import fold_events
from projections.postgres.views import ALL_VIEWS
from schemas.codec import Event

Counters = dict[tuple[str, int, str], tuple[int, ...]]


class MemoryViews:
    """Rows by view and key, and the campaign counters, after some batches of events."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {view.name: {} for view in ALL_VIEWS}
        self.counters: Counters = {}

    def apply(self, events: Iterable[Event]) -> None:
        """One batch."""
        batch = list(events)
        for view in ALL_VIEWS:
            mine = [event for event in batch if event.type in view.events]
            changes = fold_events(view, self.rows[view.name], mine)
            self.rows[view.name] |= {key: change.after for key, change in changes.items()}
            if view.name == "deliveries":
                for step, added in deltas(changes.values()).items():
                    known = self.counters.get(step, (0,) * len(METRICS))
                    self.counters[step] = tuple(a + b for a, b in zip(known, added, strict=True))

    def recounted(self) -> Counters:
        """The counters as a count of the delivery rows gives them."""
        found: dict[tuple[str, int, str], list[int]] = {}
        for row in self.rows["deliveries"].values():
            total = found.setdefault(
                (row.campaign_id, row.step, row.organization_id), [0] * len(METRICS)
            )
            for place, count in enumerate(counts_of(row).values()):
                total[place] += count
        return {step: tuple(total) for step, total in found.items() if any(total)}


def views_after(*batches: Iterable[Event]) -> MemoryViews:
    """Views that have seen the batches."""
    views = MemoryViews()
    for batch in batches:
        views.apply(batch)
    return views

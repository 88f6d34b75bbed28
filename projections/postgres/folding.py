"""Many events into many rows: the loop around every fold, pure, wherever the rows come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from projections.postgres.view import View
from schemas.codec import Event


@dataclass(frozen=True, slots=True)
class Change:
    """A row before and after a batch; `before` is None for a new one."""

    before: Any
    after: Any


def fold_events(
    view: View[Any], rows: Mapping[str, Any], events: Iterable[Event]
) -> dict[str, Change]:
    """Rows that the events change, by key. `rows` holds the known ones and is not touched."""
    fold, key_of = view.fold, view.key_of
    current: dict[str, Any] = {}
    for event in events:
        key = key_of(event)
        row = current[key] if key in current else rows.get(key)
        current[key] = fold(row, event)
    return {
        key: Change(rows.get(key), row)
        for key, row in current.items()
        if row is not None and row is not rows.get(key)
    }

"""Rows of the read models as they were: the very folds, over the log up to a position."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar

from projections.history.streams import Histories, is_erased
from projections.postgres.counters import METRICS, counts_of
from projections.postgres.folding import fold_events
from projections.postgres.view import View
from projections.postgres.views import (
    campaigns,
    contacts,
    conversations,
    deliveries,
    turns,
    workflows,
)
from projections.queries.rows import Row
from schemas.codec import Event

R = TypeVar("R")


def folded(view: View[R], events: list[Event]) -> dict[str, R]:
    """The view's rows after these events, by key."""
    mine = [event for event in events if event.type in view.events]
    return {key: change.after for key, change in fold_events(view, {}, mine).items()}


def row_of(view: View[R], events: list[Event]) -> R | None:
    """The row of one stream after these events of it."""
    return next(iter(folded(view, events).values()), None)


def campaign_as_of(past: Histories, campaign_id: str) -> Row | None:
    """The campaign, with `erased` said where its texts are gone."""
    return _row(campaigns.VIEW, past.stream(campaign_id))


def workflow_as_of(past: Histories, workflow_id: str) -> Row | None:
    """The workflow of a campaign."""
    return _row(workflows.VIEW, past.stream(workflow_id))


def contact_as_of(past: Histories, contact_id: str) -> Row | None:
    """The contact; deleted ones are there, with `deleted`."""
    return _row(contacts.VIEW, past.stream(contact_id))


def delivery_as_of(past: Histories, delivery_id: str) -> tuple[Row | None, list[Event]]:
    """The delivery and its events, personal fields sealed."""
    events = past.stream(delivery_id, unsealed=False)
    return _row(deliveries.VIEW, events), events


def conversation_as_of(past: Histories, conversation_id: str) -> Row | None:
    """The conversation, its turns in order under `items`."""
    events = past.stream(conversation_id)
    row = _row(conversations.VIEW, events)
    if row is None:
        return None
    said = sorted(folded(turns.VIEW, events).values(), key=lambda turn: turn.number)
    return {**row, "items": [turn._asdict() for turn in said]}


def metrics_as_of(past: Histories, campaign_id: str) -> dict[str, int]:
    """A campaign's counters, from all of its deliveries as they were."""
    sums: Counter[str] = Counter(dict.fromkeys(METRICS, 0))
    for events in past.deliveries(campaign_id):
        for row in folded(deliveries.VIEW, events).values():
            sums.update(counts_of(row))
    return {name: int(sums[name]) for name in METRICS}


def _row(view: View[Any], events: list[Event]) -> Row | None:
    row = row_of(view, events)
    if row is None:
        return None
    return {**row._asdict(), "erased": any(is_erased(event.data) for event in events)}

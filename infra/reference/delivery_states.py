"""The page of delivery states: the one table of states and transitions, for people."""

from __future__ import annotations

from collections.abc import Iterator

from domain.delivery.states import EVENT_TYPES, MEANINGS, STATES, TRANSITIONS, UNSETTLED
from infra.reference.sources import NOTE, page, table
from schemas.registry import default_registry


def delivery_states_page() -> str:
    """Every state, every transition, and what each event says."""
    states = [
        (f"`{state}`", MEANINGS[state], "" if state in UNSETTLED else "yes") for state in STATES
    ]
    registry = default_registry()
    events = [
        (f"`{event}`", str(registry.latest(event).definition["doc"])) for event in EVENT_TYPES
    ]
    return page(
        "# States of a delivery",
        NOTE,
        "Made from `domain/delivery/states.py`, which is all there is: the ledger takes the new"
        " state of every row from that table, the webhooks ask it what is possible, the read"
        " models fold the same events. What is not listed cannot happen. Why it is like this:"
        " [nobody twice](../explanation/nobody-twice.md).",
        table(("state", "means", "the campaign need not wait for it"), states),
        "## Transitions",
        "A webhook proves acceptance wherever the delivery was thought to stand."
        " `handed_over` has no event of its own: it is a claimed delivery whose batch has gone"
        " out.",
        table(("from", "event", "to"), list(_transitions())),
        "## Events",
        table(("event", "says"), events),
    )


def _transitions() -> Iterator[tuple[str, str, str]]:
    for state, possible in TRANSITIONS.items():
        for event, after in possible.items():
            yield f"`{state}`" if state else "", f"`{event}`", f"`{after}`"

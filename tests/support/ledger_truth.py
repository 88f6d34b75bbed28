"""Whether the send ledger is what a replay of the deliveries' events makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from domain.delivery.states import EventType, State, next_state
from infra.postgres import Connection
from schemas.codec import Event
from tests.support.comparing import Difference, compared, grouped, one_each

_AFTER_ACCEPTANCE = {"delivered", "bounced", "complained"}


class Standing(NamedTuple):
    """Where a delivery stands: state, version of its stream, attempts, the provider's id."""

    state: str
    version: int
    attempt: int
    message_id: str | None


def ledger_differences(connection: Connection, events: Iterable[Event]) -> list[Difference]:
    """Every row of the ledger against its delivery's history.

    Raises ImpossibleTransitionError for a history that cannot have happened.
    """
    rows = connection.execute(
        "SELECT delivery_id, state, version, attempt, message_id FROM state.sends"
    )
    found = grouped((row[0], Standing(*row[1:])) for row in rows)
    return compared("state.sends", one_each(_replayed(events)), found)


def _replayed(events: Iterable[Event]) -> dict[str, Standing]:
    known: dict[str, Standing] = {}
    for event in events:
        if event.topic == "delivery-events":
            known[event.stream_id] = _after(known.get(event.stream_id), event)
    return {
        delivery: row._replace(state="accepted") if row.state in _AFTER_ACCEPTANCE else row
        for delivery, row in known.items()
    }


def _after(row: Standing | None, event: Event) -> Standing:
    before = None if row is None else cast("State", row.state)
    state = next_state(before, cast("EventType", event.type))
    attempt, message_id = (row.attempt, row.message_id) if row is not None else (0, None)
    if event.type == "DeliveryClaimed":
        attempt = event.data["attempt"]
    if event.type == "DeliveryAccepted":
        message_id = event.data["message_id"]
    return Standing(state, event.version, attempt, message_id)

"""The past by brute force: the whole log read once from the start, nothing but lists and dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from projections.postgres.views.contacts import ContactRow
from schemas.codec import Codec, Event
from schemas.ports import KeyRing
from tests.support.audience_evaluator import matches
from tests.support.memory_views import MemoryViews, views_after


@dataclass(frozen=True)
class ColdReplay:
    """Histories over lists: `opened` with personal fields, `sealed` the same events without."""

    opened: Sequence[Event]
    sealed: Sequence[Event]
    organization_id: str
    position: int

    @classmethod
    def of(
        cls,
        codec: Codec,
        keys: KeyRing,
        rows: Sequence[tuple[bytes, int]],
        organization_id: str,
        position: int,
    ) -> ColdReplay:
        """From the rows of the log, in order; those behind `position` are left out."""
        seen = [row for row in rows if row[1] <= position]
        opened, sealed = codec.decode_batch(seen, keys), codec.decode_batch(seen, None)
        return cls(opened, sealed, organization_id, position)

    def stream(self, stream_id: str, *, unsealed: bool = True) -> list[Event]:
        """Events of a stream in order."""
        return [e for e in self._own(unsealed=unsealed) if e.stream_id == stream_id]

    def at(self, position: int) -> Event | None:
        """The event at a position."""
        return next((e for e in self._own() if e.position == position), None)

    def deliveries(self, campaign_id: str) -> Iterator[list[Event]]:
        """Events of a campaign's deliveries, all at once."""
        yield [
            event
            for event in self._own(unsealed=False)
            if event.topic == "delivery-events" and event.data["campaign_id"] == campaign_id
        ]

    def views(self) -> MemoryViews:
        """The read models as a replay leaves them."""
        return views_after(self.opened)

    def _own(self, *, unsealed: bool = True) -> list[Event]:
        events = self.opened if unsealed else self.sealed
        return [event for event in events if event.organization_id == self.organization_id]


def judge_by_hand(
    row: ContactRow, conditions: Sequence[Mapping[str, Any]], now: datetime
) -> list[bool]:
    """A Judge that evaluates conditions in Python."""
    return [matches(row._asdict(), each, now) for each in conditions]

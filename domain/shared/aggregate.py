"""The shell all aggregates share: commands decide, `@event` methods evolve."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.shared.meta import Meta


class Root(Aggregate):
    """Base of our aggregates.

    Public methods decide: they check rules and record. `@event` methods evolve: they only
    assign, because they also run when history is replayed, under yesterday's rules.
    An event class's fields are exactly the fields of the Avro schema that its TOPIC names.
    """

    organization_id: UUID

    def record(self, event_class: type[Aggregate.Event], meta: Meta, **fields: Any) -> None:
        """Append an event to what this aggregate has pending."""
        self.trigger_event(event_class, timestamp=meta.now, meta=meta, **fields)

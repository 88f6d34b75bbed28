"""`eventsourcing`'s ProjectionRunner: the same fold from its own log, an event a transaction.

It reads the library's event table and not Kafka, so it stands beside the others and not among them.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    Notification,
    StoredEvent,
    Tracking,
)
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from projections.postgres import counters
from projections.postgres.folding import Change
from projections.postgres.views.deliveries import VIEW, DeliveryRow
from schemas.codec import Codec, Event
from schemas.registry import default_registry
from tests.benchmarks.contenders.sink import Task
from tests.benchmarks.workload import delivery_events

_FIELDS = DeliveryRow._fields
_TEXTS = ", ".join(f"{name}::text" if name.endswith("id") else name for name in _FIELDS)
_SELECT = f"SELECT {_TEXTS} FROM views.deliveries WHERE id = %s"  # noqa: S608 - our own names
_STORE = (
    f"INSERT INTO views.deliveries ({', '.join(_FIELDS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(['%s'] * len(_FIELDS))}) ON CONFLICT (id) DO UPDATE"
    f" SET {', '.join(f'{name} = EXCLUDED.{name}' for name in _FIELDS[1:])}"
)


class OurBytes(Mapper[UUID]):
    """Our bytes in the library's events."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())
        self._codec = Codec(default_registry(), bytes)

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """The benchmark stores bytes."""
        raise NotImplementedError

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The decoded event."""
        position = cast("Notification", stored_event).id
        return self._codec.decode(stored_event.state, position, None)


class Deliveries(Application[UUID]):
    """An application whose log holds our events."""

    def construct_mapper(self) -> Mapper[UUID]:
        """Ours."""
        return OurBytes()


class View(PostgresTrackingRecorder):
    """The deliveries view, a row at a time."""

    def apply(self, event: Event, tracking: Tracking) -> None:
        """Fold one event in one transaction, with the position."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(_SELECT, (event.stream_id,), prepare=True)
            found = cursor.fetchone()
            before = DeliveryRow(*found.values()) if found else None
            after = VIEW.fold(before, event)
            if after is not None:
                cursor.execute(_STORE, after, prepare=True)
                counters.add(cursor.connection, counters.deltas([Change(before, after)]))


class Fold(Projection[View]):
    """Hands every event to the view."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """One event."""
        self.view.apply(domain_event, tracking)


def main() -> None:
    """Fill the library's log, then project it."""
    task = Task.given()
    at = conninfo_to_dict(task.postgres_url)
    env = {f"POSTGRES_{name.upper()}": str(at[name]) for name in ("dbname", "host", "port", "user")}
    env |= {"POSTGRES_PASSWORD": str(at["password"])}
    env |= {"PERSISTENCE_MODULE": "eventsourcing.postgres"}
    last = _fill(Deliveries(env=env), task.count)
    began = time.perf_counter(), time.process_time()
    with ProjectionRunner(
        application_class=Deliveries, projection_class=Fold, view_class=View, env=env
    ) as runner:
        runner.wait(last, timeout=300)
        took = time.perf_counter() - began[0], time.process_time() - began[1]
    sys.stdout.write(json.dumps({"seconds": took[0], "processor": took[1]}) + "\n")


def _fill(application: Deliveries, count: int) -> int:
    """Store the events as the library does; the last one's id."""
    stored = [
        StoredEvent(UUID(event.stream_id), event.version, event.type, event.value)
        for event in delivery_events(count)
    ]
    for first in range(0, count, 1_000):
        application.recorder.insert_events(stored[first : first + 1_000])
    return application.recorder.max_notification_id() or 0


if __name__ == "__main__":
    main()

"""The event log as a consumer would get it from Kafka, without Kafka."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

from infra.postgres import Connection
from projections.batch import Batch, Record
from schemas.registry import default_registry
from schemas.topics import all_topics, partition_of


class Handles(Protocol):
    """A consumer: its topics, and what takes a batch."""

    @property
    def topics(self) -> tuple[str, ...]: ...

    def handle(self, batch: Batch) -> None: ...


class LogBatches:
    """Hands what was appended since the last time to handlers, by topic and partition."""

    def __init__(self, connection: Connection) -> None:
        """`connection` is an autocommit connection that sees every organization."""
        self._connection = connection
        self._position = 0
        self._offsets: dict[tuple[str, int], int] = defaultdict(int)

    def news(self) -> list[Batch]:
        """Batches of the events appended since the last call."""
        rows = self._connection.execute(
            "SELECT position, stream_id, type, organization_id, bytes FROM log.events"
            " WHERE position > %s ORDER BY position",
            (self._position,),
        ).fetchall()
        records: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for position, stream_id, event_type, organization, value in rows:
            topic = default_registry().topic_of[event_type]
            partition = partition_of(stream_id, all_topics()[topic].partitions)
            place = topic, partition
            headers = {
                "position": str(position).encode(),
                "type": event_type.encode(),
                "organization": organization.encode(),
            }
            records[place].append(
                Record(*place, self._offsets[place], stream_id.encode(), bytes(value), headers)
            )
            self._offsets[place] += 1
            self._position = position
        return [Batch(*place, tuple(these)) for place, these in records.items()]

    def pump(self, *handlers: Handles) -> int:
        """Hand everything over until nothing new appears; how many events there were."""
        total = 0
        while batches := self.news():
            for batch in batches:
                total += len(batch)
                for handler in handlers:
                    if batch.topic in handler.topics:
                        handler.handle(batch)
        return total

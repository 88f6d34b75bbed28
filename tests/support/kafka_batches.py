"""Kafka's records handed to handlers as the transport hands them over, as far as a test says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Protocol

from infra.verifying.kafka_reader import PartitionReader
from projections.batch import Batch
from schemas.topics import all_topics

Place = tuple[str, int]


class Consumes(Protocol):
    """A consumer that knows where it stands."""

    @property
    def topics(self) -> tuple[str, ...]: ...

    def next_offsets(self, partitions: Sequence[Place]) -> dict[Place, int]: ...

    def handle(self, batch: Batch) -> None: ...


def pump(bootstrap: str, prefix: str, handler: Consumes, upto: int = 2**62) -> None:
    """Hand a consumer what it has not read, in each partition up to a position in the log."""
    places = [(t, n) for t in handler.topics for n in range(all_topics()[t].partitions)]
    starts = handler.next_offsets(places)
    with PartitionReader(bootstrap, prefix, places) as reader:
        for place in places:
            fresh = [r for r in reader.records(place) if r.offset >= starts.get(place, 0)]
            wanted = list(takewhile(lambda record: record.position <= upto, fresh))
            for first in range(0, len(wanted), 400):
                handler.handle(Batch(*place, tuple(wanted[first : first + 400])))

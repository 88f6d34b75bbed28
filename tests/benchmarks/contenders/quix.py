"""Quix Streams: a `BatchingSink`, offsets committed to Kafka after the sink has stored.

Runs in an environment of its own: it wants another confluent-kafka than we do.
"""

from __future__ import annotations

from quixstreams import Application  # type: ignore[import-not-found]
from quixstreams.sinks import (  # type: ignore[import-not-found]
    BatchingSink,
    SinkBatch,
)

from projections.batch import Batch, Record
from tests.benchmarks.contenders.sink import BATCH, TOPIC, Task, TimedWriter

_PARTITIONS = 4


class ViewSink(BatchingSink):  # type: ignore[misc]
    """Batches of a partition into the view."""

    def __init__(self, writer: TimedWriter) -> None:
        super().__init__()
        self._writer = writer

    def add(self, *args: object, **kwargs: object) -> None:
        """Time runs from the first record on."""
        self._writer.begin()
        super().add(*args, **kwargs)

    def write(self, batch: SinkBatch) -> None:
        """Store a batch."""
        records = tuple(
            Record(TOPIC, batch.partition, item.offset, item.key, item.value, dict(item.headers))
            for item in batch
        )
        self._writer.handle(Batch(TOPIC, batch.partition, records))


def main() -> None:
    """Consume until everything is stored."""
    task = Task.given()
    app = Application(
        broker_address=task.bootstrap,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        commit_every=BATCH * _PARTITIONS,
        loglevel="WARNING",
        auto_create_topics=False,
    )
    topic = app.topic(task.topic, key_deserializer="bytes", value_deserializer="bytes")
    writer = TimedWriter(task, app.stop)
    app.dataframe(topic).sink(ViewSink(writer))
    app.run()
    writer.close()


if __name__ == "__main__":
    main()

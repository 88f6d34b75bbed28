"""A consumer for tests that writes down every record it sees, with its position."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence

from infra.dead_letters import KafkaDeadLetters
from infra.kafka import KafkaWatermarks
from infra.postgres import connect
from projections.batch import Batch
from streams.app import StreamProcess, StreamSettings
from streams.ports import Partition
from tests.support.child import announce, log_to_stderr

TABLE = """
CREATE TABLE public.seen (
  id bigserial, topic text, partition integer, "offset" bigint, key text, position bigint,
  value bytea
);
GRANT ALL ON public.seen TO nudge_worker;
GRANT USAGE ON SEQUENCE public.seen_id_seq TO nudge_worker;
"""


class SeenHandler:
    """Rows and position in one transaction, records below the stored position dropped."""

    name = "seen"

    def __init__(self, postgres_url: str, topics: tuple[str, ...], poison: bytes = b"") -> None:
        """A record whose value is `poison` makes its batch fail."""
        self.topics = topics
        self._connection = connect(postgres_url)
        self._poison = poison

    def next_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        with self._connection.transaction():
            rows = self._connection.execute(
                "SELECT topic, partition, next_offset FROM state.positions "
                "WHERE consumer = %s AND topic = ANY(%s)",
                (self.name, [topic for topic, _ in partitions]),
            ).fetchall()
        return {(topic, partition): offset for topic, partition, offset in rows}

    def handle(self, batch: Batch) -> None:
        with self._connection.transaction():
            fresh = batch.after(self._lock(batch))
            if any(self._poison and record.value == self._poison for record in fresh.records):
                raise ValueError("this record is poison")
            with self._connection.cursor().copy(
                'COPY public.seen (topic, partition, "offset", key, position, value) FROM STDIN'
            ) as copy:
                for record in fresh.records:
                    key = (record.key or b"").decode()
                    copy.write_row(
                        (
                            record.topic,
                            record.partition,
                            record.offset,
                            key,
                            record.position,
                            record.value,
                        )
                    )
            if fresh:
                self._store(batch)

    def skip(self, batch: Batch) -> None:
        with self._connection.transaction():
            if batch.after(self._lock(batch)):
                self._store(batch)

    def _lock(self, batch: Batch) -> int:
        place = (self.name, batch.topic, batch.partition)
        self._connection.execute(
            "INSERT INTO state.positions (consumer, topic, partition, next_offset, position) "
            "VALUES (%s, %s, %s, 0, 0) ON CONFLICT DO NOTHING",
            place,
        )
        row = self._connection.execute(
            "SELECT next_offset FROM state.positions "
            "WHERE (consumer, topic, partition) = (%s, %s, %s) FOR UPDATE",
            place,
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _store(self, batch: Batch) -> None:
        self._connection.execute(
            "UPDATE state.positions SET next_offset = %s, position = %s "
            "WHERE (consumer, topic, partition) = (%s, %s, %s)",
            (batch.next_offset, batch.position, self.name, batch.topic, batch.partition),
        )


def main() -> None:
    """BOOTSTRAP POSTGRES_URL PREFIX TOPIC...: consume until SIGTERM, printing `ready` once."""
    log_to_stderr()
    bootstrap, postgres_url, prefix, *topics = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    process = StreamProcess(
        SeenHandler(postgres_url, tuple(topics), poison=b"poison"),
        KafkaDeadLetters(bootstrap, prefix),
        KafkaWatermarks(bootstrap, prefix),
        StreamSettings(bootstrap, prefix, max_poll_records=500),
    )
    process.run(stop, announce)


if __name__ == "__main__":
    main()

"""Ours, Kafka to ClickHouse: a StreamProcess with the analytics writer, as the role runs it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence

from infra.dead_letters import KafkaDeadLetters
from infra.kafka import KafkaWatermarks
from infra.postgres import make_pool
from infra.roles import _relax_garbage_collection
from projections.batch import Batch
from projections.clickhouse.bookkeeping import Bookkeeping
from projections.clickhouse.connect import connect
from projections.clickhouse.inserts import Inserter
from projections.clickhouse.writer import AnalyticsWriter
from schemas.codec import Codec
from schemas.registry import default_registry
from streams.app import StreamProcess, StreamSettings
from tests.benchmarks.contenders.sink import TOPIC, logged_to_stderr


class Timed(AnalyticsWriter):
    """Knows when the first record came."""

    began: tuple[float, float] | None = None

    def handle(self, batch: Batch) -> None:
        """Time runs from the first record on."""
        self.began = self.began or (time.perf_counter(), time.process_time())
        super().handle(batch)


def main() -> None:
    """BOOTSTRAP POSTGRES_URL PREFIX URL USER PASSWORD DATABASE COUNT: until all rows are in."""
    logged_to_stderr()
    bootstrap, postgres_url, prefix, url, user, password, database, count = sys.argv[1:]
    pool = make_pool(postgres_url, size=4, application="bench")
    client = connect(url, user, password, database=database)
    writer = Timed(
        Codec(default_registry(), os.urandom),
        Bookkeeping(pool),
        Inserter(connect(url, user, password, database=database)),
        topics=(TOPIC,),
        topic_prefix=prefix,
    )
    process = StreamProcess(
        writer,
        KafkaDeadLetters(bootstrap, prefix),
        KafkaWatermarks(bootstrap, prefix),
        StreamSettings(bootstrap, prefix),
    )
    _relax_garbage_collection()
    stop = threading.Event()
    took: list[float] = []

    def watch() -> None:
        while _rows(client.query("SELECT count() FROM deliveries").result_rows) < int(count):
            time.sleep(0.05)
        if writer.began is not None:
            wall, processor = writer.began
            took.extend((time.perf_counter() - wall, time.process_time() - processor))
        stop.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    process.run(stop)
    writer.close()
    pool.close()
    sys.stdout.write(json.dumps({"seconds": took[0], "processor": took[1]}) + "\n")


def _rows(result: Sequence[Sequence[int]]) -> int:
    return result[0][0]


if __name__ == "__main__":
    main()

"""Ours: a StreamProcess with the projections' writer, as the role `projections` runs it."""

from __future__ import annotations

import threading

from infra.dead_letters import KafkaDeadLetters
from infra.kafka import KafkaWatermarks
from infra.roles import _relax_garbage_collection
from streams.app import StreamProcess, StreamSettings
from tests.benchmarks.contenders.sink import Task, TimedWriter, logged_to_stderr


def main() -> None:
    """Consume until everything is stored."""
    logged_to_stderr()
    task = Task.given()
    stop = threading.Event()
    writer = TimedWriter(task, stop.set)
    process = StreamProcess(
        writer,
        KafkaDeadLetters(task.bootstrap, task.prefix),
        KafkaWatermarks(task.bootstrap, task.prefix),
        StreamSettings(task.bootstrap, task.prefix),
    )
    _relax_garbage_collection()
    process.run(stop)
    writer.close()


if __name__ == "__main__":
    main()

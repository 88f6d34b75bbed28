"""Stock Faust: `take_events`, its own transport, offsets committed to Kafka; on uvloop, as ours.

What a stock user would write who knows that rows want to be stored in batches.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import faust
import uvloop

from projections.batch import Batch, Record
from tests.benchmarks.contenders.sink import BATCH, TOPIC, Task, TimedWriter, logged_to_stderr


class App(faust.App):  # type: ignore[misc]
    """An app that keeps nothing in the working directory."""

    def _create_directories(self) -> None:
        """No tables, no folders."""


def _batches(events: list[Any]) -> list[Batch]:
    """The events by partition, in order, as the sink takes them."""
    found: dict[int, list[Record]] = defaultdict(list)
    for event in events:
        message = event.message
        found[message.partition].append(
            Record(
                TOPIC,
                message.partition,
                message.offset,
                message.key,
                message.value,
                dict(message.headers),
            )
        )
    return [Batch(TOPIC, partition, tuple(records)) for partition, records in found.items()]


def _timed(writer: TimedWriter) -> Callable[[bytes], bytes]:
    """Time runs from the first record on."""

    def seen(value: bytes) -> bytes:
        writer.begin()
        return value

    return seen


async def _run(task: Task) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def finish() -> None:
        loop.call_soon_threadsafe(done.set)

    writer = TimedWriter(task, finish)
    app = App(
        task.group,
        broker=f"kafka://{task.bootstrap}",
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        broker_max_poll_records=BATCH,
    )

    @app.agent(app.topic(task.topic))  # type: ignore[untyped-decorator]
    async def deliveries(stream: Any) -> None:
        stream.add_processor(_timed(writer))
        async for events in stream.take_events(BATCH, within=0.05):
            for batch in _batches(events):
                await asyncio.to_thread(writer.handle, batch)

    await app.start()
    await done.wait()
    await app.stop()
    writer.close()


if __name__ == "__main__":
    logged_to_stderr()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(Task.given()))

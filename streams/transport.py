"""Our Faust transport: one stream element per fetched partition chunk, positions kept by us.

Stock Faust hands over single messages and creates several tasks for each. Here `getmany` yields
one Faust message per chunk; its value is the chunk. Everything else of Faust stays as it is. What
this module relies on beneath Faust's public interface is held by a contract test for the pinned
version.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import ConsumerRecord
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from projections.batch import Batch, Record
from streams.ports import Partition, StopProcess

NextOffsets = Callable[[Sequence[Partition]], Awaitable[Mapping[Partition, int]]]
"""Where to resume, by logical topic and partition. Waits while the store is away."""

_NOTHING_TO_FETCH = 0.005
# A broker answers as soon as there is a record; waiting longer only spares it empty fetches.
_FETCH_MAX_WAIT_MS = 500


class Chunk(NamedTuple):
    """What one stream element carries: records of one partition in offset order."""

    tp: TP
    records: list[ConsumerRecord]


def batch_of(chunk: Chunk, prefix: str) -> Batch:
    """The chunk as handlers know it, under the topic's logical name."""
    topic = chunk.tp.topic.removeprefix(prefix)
    partition = chunk.tp.partition
    return Batch(
        topic,
        partition,
        tuple(
            Record(
                topic,
                partition,
                record.offset,
                record.key,
                record.value or b"",
                dict(record.headers),
                record.timestamp,
            )
            for record in chunk.records
        ),
    )


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's Kafka consumer with chunks as messages and positions from the handler's store."""

    next_offsets: NextOffsets
    fail_process: Callable[[StopProcess], None]
    topic_prefix = ""
    prefetch = 16
    """Chunks that may wait to be handled: bounds memory."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to the positions of the handler's store; a partition it does not know starts anew."""
        assigned = {self._logical(tp): tp for tp in self.assignment()}
        stored = await self.next_offsets(list(assigned))
        offsets = {tp: stored[name] for name, tp in assigned.items() if name in stored}
        await self._refuse_missing_history(offsets)
        new = [driver.ensure_aiokafka_TP(tp) for tp in assigned.values() if tp not in offsets]
        if new:
            earliest = await self.earliest_offsets(*new)
            offsets.update({ensure_TP(tp): offset for tp, offset in earliest.items()})
        await self.seek_wait({driver.ensure_aiokafka_TP(tp): at for tp, at in offsets.items()})
        return offsets

    async def _refuse_missing_history(self, offsets: Mapping[TP, int]) -> None:
        """A stored position behind the end means an older Kafka: going on would skip events."""
        if not offsets:
            return
        ends = await self.highwaters(*[driver.ensure_aiokafka_TP(tp) for tp in offsets])
        for tp, end in ends.items():
            if offsets[ensure_TP(tp)] > end:
                error = StopProcess(
                    f"{tp.topic}:{tp.partition} ends at offset {end}, but "
                    f"{offsets[ensure_TP(tp)]} is the stored position: these topics are older "
                    "than the database, or others; restore Kafka or reset the positions"
                )
                self.fail_process(error)
                raise error

    async def fetch_positions(self) -> dict[Partition, int]:
        """The next offset to fetch of each assigned partition, behind transaction markers."""
        return {self._logical(tp): await self.position(tp) for tp in self.assignment()}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        """One message per fetched partition chunk."""
        if len(self.unacked) >= self.prefetch:
            await asyncio.sleep(_NOTHING_TO_FETCH)
            return
        records, _ = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        for kafka_tp, chunk in records.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance: everything is read again from the stored positions
            tp = ensure_TP(kafka_tp)
            if chunk:
                yield tp, self._chunk_message(Chunk(tp, chunk), generation)

    def ack(self, message: Any) -> bool:
        """The chunk is handled. Which offset that was interests nobody: see `commit`."""
        known = message in self._unacked_messages
        self._unacked_messages.discard(message)
        message.acked = True
        return known

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Nothing: positions are stored with the rows.

        Stock keeps a tree of the offsets between acknowledged ones. Behind chunks and transaction
        markers it has a gap for each message, and sorts them all at every next one: at a hundred
        small transactions a second that took most of the loop, and grew without end.
        """
        return False

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing, as for `commit`."""

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109
        # stock sleeps a whole second while there is nothing it may fetch from
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(_NOTHING_TO_FETCH)
            return None, None
        return await super()._wait_next_records(timeout)  # type: ignore[no-any-return]

    def _chunk_message(self, chunk: Chunk, generation: int) -> ConsumerMessage:
        last = chunk.records[-1]
        return ConsumerMessage(
            chunk.tp.topic,
            chunk.tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            [],
            None,
            chunk,
            None,
            0,
            len(chunk.records),
            chunk.tp,
            # a message of another generation than the app's is dropped without a word
            generation_id=generation,
        )

    def _logical(self, tp: TP) -> Partition:
        return tp.topic.removeprefix(self.topic_prefix), tp.partition

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return CommittedReader(self, loop=self.loop, beacon=self.beacon)


class CommittedReader(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that fetches: only committed transactions."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS  # noqa: SLF001
        return consumer


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's Kafka transport with BatchConsumer. Made inside the running loop."""

    Consumer = BatchConsumer

    def __init__(
        self,
        app: Any,
        next_offsets: NextOffsets,
        fail_process: Callable[[StopProcess], None],
        *,
        prefix: str,
        prefetch: int,
    ) -> None:
        super().__init__(app.conf.broker_consumer, app, loop=asyncio.get_running_loop())
        self._configure = {
            "next_offsets": next_offsets,
            "fail_process": fail_process,
            "topic_prefix": prefix,
            "prefetch": prefetch,
        }

    def create_consumer(self, callback: Any, **kwargs: Any) -> BatchConsumer:
        """Faust's way to ask for its consumer."""
        consumer: BatchConsumer = super().create_consumer(callback, **kwargs)
        for name, value in self._configure.items():
            setattr(consumer, name, value)
        return consumer

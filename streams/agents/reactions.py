"""The reactions' consumer: each event or webhook to its step, all of a batch in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from projections.batch import Batch, Record
from projections.postgres import positions
from projections.postgres.departed import departed
from schemas.codec import Codec, Event
from streams.agents import runs, tasks, waiting, webhooks
from streams.agents.addresses import Addresses
from streams.agents.ports import WorkerLog, WorkerTransaction
from streams.ports import Partition

Reaction = Callable[[WorkerTransaction, Event], None]

REACTIONS: Final[Mapping[str, Reaction]] = {
    "TurnReceived": tasks.turn_received,
    "PostmarkConnected": tasks.postmark_connected,
    "TestSendRequested": tasks.test_send_requested,
    "CampaignApproved": runs.campaign_approved,
    "CampaignRevised": runs.campaign_changed,
    "CampaignPaused": runs.campaign_changed,
    "CampaignResumed": runs.campaign_changed,
    "CampaignCancelled": runs.campaign_changed,
    "StepScheduled": runs.step_scheduled,
}
CHUNK: Final = 240
"""Records a transaction: one webhook makes four events at most, and an append takes 1,000."""


class Reactions:
    """Consumes events and webhooks, with its positions in Postgres.

    `handle` takes a large batch in several transactions, each with its position, so that no
    append is too large; a repetition goes on behind what is stored.
    """

    name = "reactions"

    def __init__(self, log: WorkerLog, codec: Codec, addresses: Addresses) -> None:
        self._log = log
        self._codec = codec
        self._addresses = addresses
        of_events = {codec.registry.topic_of[event_type] for event_type in REACTIONS}
        self.topics: tuple[str, ...] = (*sorted(of_events), webhooks.TOPIC)

    def next_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Where to resume; a partition never handled begins at its start."""
        consumers = {topic: [self.name] for topic in self.topics}
        return self._log.run(
            lambda tx: positions.resume_points(tx.connection, consumers, partitions)
        )

    def handle(self, batch: Batch) -> None:
        """React to everything in the batch that is not stored yet."""
        for part in _parts(batch):
            self._log.run(lambda tx, part=part: self._react(tx, part))  # type: ignore[misc]

    def skip(self, batch: Batch) -> None:
        """Move past a record that is with the dead letters."""
        if batch:
            self._log.run(lambda tx: self._advance(tx, batch, self._todo(tx, batch)))

    def _react(self, tx: WorkerTransaction, part: Batch) -> None:
        todo = self._todo(tx, part)
        if not todo:
            return
        gone = departed(tx.connection)
        if todo.topic == webhooks.TOPIC:
            arrivals = [a for a in webhooks.arrivals_of(todo) if a.organization_id not in gone]
            waiting.keep(tx, webhooks.absorb(tx, arrivals, self._addresses))
        else:
            for event in self._events(todo.records):
                if event.organization_id not in gone:
                    REACTIONS[event.type](tx, event)
        self._advance(tx, part, todo)

    def _events(self, records: Sequence[Record]) -> list[Event]:
        """Those that something reacts to; sealed fields stay closed, nothing here reads them."""
        wanted = [
            (record.value, record.position)
            for record in records
            if record.headers.get("type", b"").decode() in REACTIONS or "type" not in record.headers
        ]
        return [e for e in self._codec.decode_batch(wanted, None) if e.type in REACTIONS]

    def _todo(self, tx: WorkerTransaction, batch: Batch) -> Batch:
        place = (batch.topic, batch.partition)
        return batch.after(positions.lock(tx.connection, [self.name], place)[self.name])

    def _advance(self, tx: WorkerTransaction, batch: Batch, todo: Batch) -> None:
        if todo:
            place = (batch.topic, batch.partition)
            positions.advance(tx.connection, [self.name], place, todo.next_offset, _position(todo))


def _parts(batch: Batch) -> Iterator[Batch]:
    for start in range(0, len(batch), CHUNK):
        yield Batch(batch.topic, batch.partition, batch.records[start : start + CHUNK])


def _position(batch: Batch) -> int:
    """The batch's position; 0, which moves nothing, when its header is what is broken."""
    try:
        return batch.position
    except ValueError:
        return 0

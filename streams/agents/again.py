"""A record that was put aside, handled again: in one transaction, in its stream's order."""

from __future__ import annotations

from typing import Final

from projections.batch import Batch, Record
from projections.postgres import positions
from projections.postgres.departed import departed
from projections.postgres.refolding import NotPassedError
from schemas.codec import Codec, Event
from streams.agents import waiting, webhooks
from streams.agents.addresses import Addresses
from streams.agents.ports import WorkerTransaction
from streams.agents.reactions import REACTIONS, Reactions

_FROM_HERE: Final = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND position >= %s
      AND (position <= %s OR position <= (SELECT position FROM state.positions
           WHERE consumer = %s AND topic = %s AND partition = %s))
    ORDER BY position
"""


def react_again(
    tx: WorkerTransaction, record: Record, event: Event | None, codec: Codec, addresses: Addresses
) -> None:
    """React to what was passed over. `event` is the record's in the log; None for a webhook.

    What followed in the event's stream is told once more behind it, because its order matters: an
    approval handled after the cancellation that followed it would start what was stopped.
    Reactions to what they know change nothing, and a webhook is recorded once whatever its order.
    """
    name, place = Reactions.name, (record.topic, record.partition)
    if positions.lock(tx.connection, [name], place)[name] <= record.offset:
        raise NotPassedError(f"{name} has not come to offset {record.offset} yet, and will")
    gone = departed(tx.connection)
    if event is None:
        arrived = webhooks.arrivals_of(Batch(*place, (record,)))
        arrivals = [each for each in arrived if each.organization_id not in gone]
        waiting.keep(tx, webhooks.absorb(tx, arrivals, addresses))
        return
    if event.organization_id in gone:
        return
    rows = tx.connection.execute(
        _FROM_HERE, (event.stream_id, event.position, event.position, name, *place)
    ).fetchall()
    for each in codec.decode_batch(rows, None):
        if each.type in REACTIONS:
            REACTIONS[each.type](tx, each)

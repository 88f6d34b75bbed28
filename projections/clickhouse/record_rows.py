"""Records of a topic to rows of its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from projections.batch import Record
from projections.clickhouse.buffer import Entry
from projections.clickhouse.inserts import Insert
from projections.clickhouse.rows import deliveries, events, turns
from projections.clickhouse.rows.fields import Row, UnwritableEventError, ensure_ids
from schemas.codec import Codec, Event


@dataclass(frozen=True, slots=True)
class Special:
    """A table that only one topic's events go to, beside `events`."""

    table: str
    columns: Sequence[str]
    row: Callable[[Event], Row | None]
    ids: Callable[[Event], tuple[str, ...]]


SPECIAL = {
    deliveries.TOPIC: Special(deliveries.TABLE, deliveries.COLUMNS, deliveries.row, deliveries.ids),
    turns.TOPIC: Special(turns.TABLE, turns.COLUMNS, turns.row, turns.ids),
}


def entries(
    codec: Codec, records: Sequence[Record], gone: frozenset[str] = frozenset()
) -> list[Entry]:
    """The rows of records of one topic; none of organizations that are `gone`.

    Raises UnreadableEventError or UnwritableEventError when one of them can never become a row.
    """
    positions = [position_of(record) for record in records]
    values = [record.value for record in records]
    decoded = codec.decode_batch(zip(values, positions, strict=True), None)
    ensure_ids([text for event in decoded for text in events.ids(event)])
    special = SPECIAL.get(records[0].topic)
    if special is None:
        own: list[Row | None] = [None] * len(decoded)
    else:
        ensure_ids([text for event in decoded for text in special.ids(event)])
        own = [special.row(event) for event in decoded]
    return [
        Entry(record.offset, event.position, len(record.value), events.row(event), row)
        if event.organization_id not in gone
        else Entry(record.offset, event.position, len(record.value), None, None)
        for record, event, row in zip(records, decoded, own, strict=True)
    ]


def skipped(records: Sequence[Record]) -> list[Entry]:
    """Entries without rows, for records that nobody can read: their header is not trusted."""
    return [Entry(record.offset, 0, 0, None, None) for record in records]


def position_of(record: Record) -> int:
    """The record's position. Raises UnwritableEventError when it did not come from the log."""
    try:
        position = record.position
    except ValueError:
        position = 0
    if position <= 0:
        raise UnwritableEventError(
            f"{record.topic}:{record.partition}:{record.offset} has no position"
        )
    return position


def without_repeats(found: Sequence[Entry], position: int) -> list[Entry]:
    """The entries; those not above `position`, and not above one before them, without rows.

    Positions rise in a partition, so such a record is a repetition by the relay.
    """
    fresh = []
    for entry in found:
        if entry.position > position:
            position = entry.position
            fresh.append(entry)
        else:
            fresh.append(Entry(entry.offset, position, entry.size, None, None))
    return fresh


def inserts(topic: str, batch: Sequence[Entry], token: Callable[[str], str]) -> list[Insert]:
    """What is to be inserted for a batch of one partition; `token` gives a table's token."""
    rows = [entry.event for entry in batch if entry.event is not None]
    made = [Insert(events.TABLE, events.COLUMNS, rows, token(events.TABLE))]
    special = SPECIAL.get(topic)
    if special is not None:
        own = [entry.special for entry in batch if entry.special is not None]
        made.append(Insert(special.table, special.columns, own, token(special.table)))
    return made

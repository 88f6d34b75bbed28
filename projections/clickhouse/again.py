"""A record that the analytics writer passed over, written after all: once, whatever crashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from clickhouse_connect.driver.client import Client

from projections.batch import Record
from projections.clickhouse.inserts import Insert, Inserter
from projections.clickhouse.record_rows import SPECIAL
from projections.clickhouse.rows import events
from projections.clickhouse.rows.fields import ensure_ids
from projections.postgres import positions
from projections.postgres.departed import departed
from projections.postgres.refolding import NotPassedError
from schemas.codec import Event

_CONSUMER = "analytics"


class AnalyticsAgain:
    """Writes the rows of one event, unless they are there.

    The writer's position in the partition is locked meanwhile, so two retries take turns; the
    second one finds the rows, also when the first one died before its transaction ended.
    """

    def __init__(self, client: Callable[[], Client], topic_prefix: str) -> None:
        """`client` connects when it is needed."""
        self._connect = client
        self._prefix = topic_prefix

    def write(self, conn: psycopg.Connection[Any], record: Record, event: Event) -> int:
        """Rows that were missing and are written. Raises NotPassedError, what ClickHouse raises,
        and UnwritableEventError for an event that can never become a row."""
        place = (record.topic, record.partition)
        if positions.lock(conn, [_CONSUMER], place)[_CONSUMER] <= record.offset:
            raise NotPassedError(
                f"{_CONSUMER} has not come to offset {record.offset} yet, and will"
            )
        if event.organization_id in departed(conn):
            return 0
        wanted = list(_rows(event, f"{self._prefix}-again-{event.position}"))
        with self._connect() as client:
            missing = [insert for insert in wanted if not _is_there(client, insert.table, event)]
            inserter = Inserter(client, threads=1)
            try:
                inserter.insert(missing)
            finally:
                inserter.close()
        return len(missing)


def _rows(event: Event, token: str) -> Iterator[Insert]:
    ensure_ids(list(events.ids(event)))
    yield Insert(events.TABLE, events.COLUMNS, [events.row(event)], f"{token}-{events.TABLE}")
    special = SPECIAL.get(event.topic)
    if special is None:
        return
    ensure_ids(list(special.ids(event)))
    row = special.row(event)
    if row is not None:
        yield Insert(special.table, special.columns, [row], f"{token}-{special.table}")


def _is_there(client: Client, table: str, event: Event) -> bool:
    """Only tables of ours are named here; the position is a number."""
    found = client.query(
        f"SELECT count() FROM {table} WHERE position = {event.position:d}"  # noqa: S608
    )
    return bool((found.first_row or (0,))[0])

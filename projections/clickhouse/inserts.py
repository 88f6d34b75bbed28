"""Inserts of whole batches into ClickHouse, each under a token that makes a repeat harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import orjson
from clickhouse_connect.driver.client import Client

from projections.clickhouse.bookkeeping import Partition, Planned
from projections.clickhouse.rows.fields import Row

_SETTINGS = {
    # One insert is one block, cut nowhere, so that its token names all of it.
    "async_insert": 0,
    "insert_deduplicate": 1,
    "input_format_parallel_parsing": 0,
    # A replayed log may touch any number of months.
    "max_partitions_per_insert_block": 0,
}


class Insert(NamedTuple):
    """Rows for one table, with the deduplication token of their batch."""

    table: str
    columns: Sequence[str]
    rows: Sequence[Row]
    token: str


def token(prefix: str, partition: Partition, batch: Planned, table: str) -> str:
    """The same for the same batch, whichever process inserts it; `prefix` is the topics' prefix."""
    topic, number = partition
    return f"{prefix}-{topic}-{number}-{batch.first}-{batch.last}-{table}"


class Inserter:
    """Inserts over HTTP, several at once. `insert` returns when every row is stored.

    JSON arrays of values are the cheapest form to make from our rows (0.7 us a row): JSON objects
    and TSV take three times as long, and so does their parsing.
    """

    def __init__(self, client: Client, threads: int = 4) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="analytics-insert")

    def insert(self, inserts: Sequence[Insert]) -> None:
        """Stores all of them; repeating changes nothing. Raises what clickhouse-connect raises."""
        running = [self._threads.submit(self._one, insert) for insert in inserts if insert.rows]
        for one in running:
            one.exception()  # none is left running when the first error is raised
        for one in running:
            one.result()

    def report_progress(self, positions: Mapping[Partition, int]) -> None:
        """Tells analysts how fresh the tables are."""
        rows = [(*partition, position) for partition, position in positions.items()]
        self._client.raw_insert(
            "progress_reports",
            ["topic", "partition", "position"],
            _body(rows),
            fmt="JSONCompactEachRow",
            settings={"async_insert": 0},
        )

    def close(self) -> None:
        """Waits for what is under way."""
        self._threads.shutdown()

    def _one(self, insert: Insert) -> None:
        self._client.raw_insert(
            insert.table,
            insert.columns,
            _body(insert.rows),
            fmt="JSONCompactEachRow",
            settings={**_SETTINGS, "insert_deduplication_token": insert.token},
        )


def _body(rows: Sequence[Row]) -> bytes:
    """One JSON array a row, separated by commas: the list's JSON without its brackets."""
    return orjson.dumps(rows)[1:-1]

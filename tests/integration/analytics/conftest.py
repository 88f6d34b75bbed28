"""A ClickHouse database and a writer per test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from psycopg_pool import ConnectionPool

from projections.clickhouse.bookkeeping import Bookkeeping
from projections.clickhouse.connect import connect
from projections.clickhouse.inserts import Inserter
from projections.clickhouse.migrate import migrate
from projections.clickhouse.writer import AnalyticsWriter, Limits
from schemas.codec import Codec
from schemas.registry import default_registry
from tests.conftest import Database
from tests.support.services import Services

CODEC = Codec(default_registry(), os.urandom)
TOPICS = tuple(default_registry().topics)
QUICK = Limits(linger=0.02, patience=0.2, retry_after=0.02, retry_at_most=0.1)
BY_HAND = Limits(linger=3600.0)

MakeWriter = Callable[..., AnalyticsWriter]


@pytest.fixture
def empty_clickhouse(stack: Services) -> Iterator[Client]:
    """A database of its own without tables, dropped afterwards."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    at = stack.addresses
    client = connect(
        at.clickhouse_url, at.clickhouse_username, at.clickhouse_password, database=name
    )
    yield client
    client.command(f"DROP DATABASE {name} SYNC")
    client.close()


@pytest.fixture
def clickhouse(empty_clickhouse: Client) -> Client:
    """A migrated database of its own."""
    migrate(empty_clickhouse)
    return empty_clickhouse


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool[Any]]:
    """Connections as the worker."""
    with ConnectionPool(database.worker_url, min_size=1, max_size=4) as made:
        yield made


@pytest.fixture
def make_writer(clickhouse: Client, pool: ConnectionPool[Any]) -> Iterator[MakeWriter]:
    """Makes writers, as if in processes of their own; closes them afterwards."""
    made: list[AnalyticsWriter] = []

    def make(
        limits: Limits = QUICK,
        bookkeeping: Bookkeeping | None = None,
        inserter: Inserter | None = None,
        topic_prefix: str = "test-",
    ) -> AnalyticsWriter:
        writer = AnalyticsWriter(
            CODEC,
            bookkeeping or Bookkeeping(pool),
            inserter or Inserter(clickhouse),
            topics=TOPICS,
            topic_prefix=topic_prefix,
            limits=limits,
        )
        made.append(writer)
        return writer

    yield make
    for writer in made:
        writer.close()

"""A letter of the analytics writer, retried: its row is there once, whatever crashed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from clickhouse_connect.driver.client import Client

from projections.batch import Batch
from projections.clickhouse.bookkeeping import Bookkeeping
from projections.clickhouse.inserts import Inserter
from projections.clickhouse.writer import AnalyticsWriter, Limits
from schemas.registry import default_registry
from tests.integration.analytics.conftest import clickhouse, empty_clickhouse
from tests.integration.letters.conftest import Desk

__all__ = ["clickhouse", "empty_clickhouse"]


class DiedError(Exception):
    """The process ended here."""


@pytest.fixture
def passed_over(desk: Desk, clickhouse: Client) -> Desk:
    """All events written but one DeliveryAccepted, which is a letter."""
    story = desk.story
    story.contacts("good", 2)
    campaign = story.drafted()
    story.approve(campaign)
    desk.news()
    story.send(campaign, lambda _: "accepted")
    story.batches._position = 0
    story.batches._offsets.clear()
    writer = AnalyticsWriter(
        story.api.worker.codec, Bookkeeping(story.api.worker.pool), Inserter(clickhouse),
        topics=tuple(default_registry().topics), topic_prefix="test-", limits=Limits(linger=0.01),
    )  # fmt: skip
    for batch in desk.news():
        for record in batch.records:
            one = Batch(batch.topic, batch.partition, (record,))
            if record.headers["type"] == b"DeliveryAccepted" and not desk.box.letters:
                writer.skip(one)
                desk.box.put(record, consumer="analytics", reason="a mistake", trace="")
            else:
                writer.handle(one)
    writer.close()

    @contextmanager
    def client() -> Iterator[Client]:
        yield clickhouse

    desk.analytics = client
    return desk


def rows_at(client: Client, position: int) -> tuple[int, int]:
    counts = [
        client.query(f"SELECT count() FROM {table} WHERE position = {position}").result_rows[0][0]  # noqa: S608
        for table in ("events", "deliveries")
    ]
    return counts[0], counts[1]


def test_a_retried_event_is_written_once(passed_over: Desk, clickhouse: Client) -> None:
    (letter,) = passed_over.open()
    position = letter.record.position
    assert rows_at(clickhouse, position) == (0, 0)

    assert passed_over.with_views().retry(letter).failure is None

    assert rows_at(clickhouse, position) == (1, 1)
    assert passed_over.open() == []


def test_a_retry_that_died_before_its_decision_writes_nothing_twice(
    passed_over: Desk,
    clickhouse: Client,
) -> None:
    (letter,) = passed_over.open()
    again = passed_over.with_views().handling.consumers["analytics"]
    core = passed_over.story.api.worker

    def insert_and_die() -> None:
        with core.pool.connection() as connection:
            row = connection.execute(
                "SELECT bytes FROM log.events WHERE position = %s", (letter.record.position,)
            ).fetchone()
            assert row is not None
            event = core.codec.decode(row[0], letter.record.position, None)
            tx = type("Tx", (), {"connection": connection})()
            again(tx, letter.record, event)
            raise DiedError

    with pytest.raises(DiedError):
        insert_and_die()
    assert rows_at(clickhouse, letter.record.position) == (1, 1)

    assert passed_over.with_views().retry(letter).failure is None

    assert rows_at(clickhouse, letter.record.position) == (1, 1)

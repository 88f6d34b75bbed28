"""A ClickHouse table rebuilt from the log and exchanged, while the analytics writer goes on."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from infra.rebuilding.analytics import AnalyticsDesk
from projections.clickhouse.writer import AnalyticsWriter
from projections.rebuild.analytics_swap import Exchange
from projections.rebuild.errors import (
    BadPositionError,
    BusyError,
    NoShadowError,
    NotCaughtUpError,
    RebuildError,
    UnknownViewError,
)
from tests.benchmarks.workload import delivery_events
from tests.integration.analytics.conftest import BY_HAND, MakeWriter
from tests.support.log_batches import LogBatches
from tests.support.rebuilding import Models

EVENTS, DELIVERIES = "clickhouse.events", "clickhouse.deliveries"


class Written:
    """The log as the analytics writer has written it."""

    def __init__(self, world: Models, writer: AnalyticsWriter) -> None:
        self.writer = writer
        self._batches = LogBatches(world.conn)

    def live(self) -> int:
        """Write what is new; how many events."""
        count = self._batches.pump(self.writer)
        self.writer.flush()
        return count


@pytest.fixture
def written(world: Models, make_writer: MakeWriter) -> Written:
    return Written(world, make_writer(BY_HAND))


def rows(client: Client, table: str = "events") -> tuple[int, int]:
    """How many rows there are, and of how many events."""
    found = client.query(f"SELECT count(), uniqExact(position) FROM {table}").result_rows[0]  # noqa: S608
    return found[0], found[1]


def hashed(client: Client, table: str) -> Any:
    query = f"SELECT count(), sum(cityHash64(*)) FROM {table}"  # noqa: S608
    return client.query(query).result_rows[0]


def test_every_table_is_rebuilt_as_it_is(
    world: Models, written: Written, analytics: AnalyticsDesk, clickhouse: Client
) -> None:
    world.append_history(3, streams=600)
    world.append(delivery_events(3_000))
    written.live()
    for table in ("events", "turns", "deliveries"):
        # Small ranges take processes of their own, which is enough for one of the tables.
        made = analytics.rebuild(f"clickhouse.{table}", span=500 if table == "events" else None)

        assert made.state == "built"
        assert hashed(clickhouse, table)[0] > 10
        assert hashed(clickhouse, f"shadow_{table}") == hashed(clickhouse, table)
        assert analytics.diff(f"clickhouse.{table}").same
        before = clickhouse.query(f"SHOW CREATE TABLE {table}").result_rows[0][0]
        analytics.swap(f"clickhouse.{table}")
        assert clickhouse.query(f"SHOW CREATE TABLE {table}").result_rows[0][0] == before


def test_every_event_is_there_once_while_the_writer_goes_on_through_swaps_and_rollbacks(
    world: Models, written: Written, analytics: AnalyticsDesk, clickhouse: Client
) -> None:
    events = iter(delivery_events(40_000))
    world.append(itertools.islice(events, 5_000))
    written.live()
    stop, handled = threading.Event(), [5_000]

    def work() -> None:
        while not stop.is_set() and (some := list(itertools.islice(events, 50))):
            world.append(some)
            handled[0] += written.live()

    thread = threading.Thread(target=work)
    thread.start()
    exchanged_at = []
    for _ in range(2):
        analytics.rebuild(EVENTS, span=1_000)
        for back in (False, True, False):
            analytics.swap(EVENTS, back=back)
            exchanged_at.append(handled[0])
    stop.set()
    thread.join()
    written.live()

    assert next(events, None) is not None, "the writer had ended before"
    assert len(set(exchanged_at)) > 3, "the writer was idle in between"
    total = world.conn.execute("SELECT count(*) FROM log.events").fetchone()
    assert rows(clickhouse) == (handled[0], handled[0])
    assert total == (handled[0],)
    analytics.swap(EVENTS, back=True)
    assert rows(clickhouse) == (handled[0], handled[0])


def test_what_is_wrong_in_the_live_table_is_named_with_day_row_column_and_event(
    world: Models, written: Written, analytics: AnalyticsDesk, clickhouse: Client
) -> None:
    world.append(delivery_events(2_000))
    written.live()
    settings = {"mutations_sync": 1}
    clickhouse.command("DELETE FROM deliveries WHERE position = 7", settings=settings)
    clickhouse.command(
        "ALTER TABLE deliveries UPDATE reason = 'x' WHERE position = 9", settings=settings
    )
    clickhouse.command("INSERT INTO deliveries SELECT * FROM deliveries WHERE position = 11")

    analytics.rebuild(DELIVERIES)
    found = analytics.diff(DELIVERIES)

    told = {(one.row.key, one.row.kind, one.row.columns) for one in found.explained}
    assert {(key, kind) for key, kind, _ in told} == {
        ("7", "missing"),
        ("9", "different"),
        ("11 (2 times, not 1)", "different"),
    }
    assert ("9", "different", ("reason",)) in told
    log = world.conn.execute("SELECT position, type FROM log.events").fetchall()
    kinds: dict[int, str] = dict(log)
    assert {one.event.position: one.event.type for one in found.explained if one.event} == {
        position: kinds[position] for position in (7, 9, 11)
    }
    assert [(day.live, day.shadow) for day in found.days] == [(2_000, 2_000)]
    analytics.swap(DELIVERIES)
    assert rows(clickhouse, "deliveries") == (2_000, 2_000)


@pytest.mark.parametrize("where", ["_note_exchange", "_ensure_whole"])
def test_a_swap_that_dies_is_finished_by_the_next_one(
    world: Models,
    written: Written,
    analytics: AnalyticsDesk,
    clickhouse: Client,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    world.append(delivery_events(3_000))
    written.live()
    analytics.rebuild(EVENTS)
    world.append(delivery_events(2_000, seed=2))
    written.live()
    with monkeypatch.context() as dying:
        dying.setattr(Exchange, where, _die)
        with pytest.raises(KeyboardInterrupt):
            analytics.swap(EVENTS)
    world.append(delivery_events(1_000, seed=3))
    written.live()
    assert rows(clickhouse) == (6_000, 6_000)

    if where == "_note_exchange":  # it was exchanged, but that is not on record
        with pytest.raises(NoShadowError, match="swapped already"):
            analytics.swap(EVENTS)
        analytics.swap(EVENTS, back=True)
    else:
        analytics.swap(EVENTS)
    assert rows(clickhouse) == (6_000, 6_000)
    assert rows(clickhouse, "shadow_events") == (6_000, 6_000)


def test_a_catch_up_that_dies_after_its_insert_inserts_nothing_twice(
    world: Models,
    written: Written,
    analytics: AnalyticsDesk,
    clickhouse: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.append(delivery_events(3_000))
    written.live()
    analytics.rebuild(EVENTS)
    world.append(delivery_events(2_000, seed=2))
    written.live()
    kept = Exchange._change

    def die_when_done(self: Exchange, known: Any, details: dict[str, Any]) -> None:
        if details["plan"] is None:
            raise KeyboardInterrupt
        kept(self, known, details)

    with monkeypatch.context() as dying:
        dying.setattr(Exchange, "_change", die_when_done)
        with pytest.raises(KeyboardInterrupt):
            analytics.swap(EVENTS)
    assert rows(clickhouse, "shadow_events") == (5_000, 5_000)
    world.append(delivery_events(1_000, seed=3))
    written.live()

    analytics.swap(EVENTS)

    assert rows(clickhouse) == (6_000, 6_000)


def test_refused_with_a_message_and_nothing_half_done(
    world: Models,
    written: Written,
    analytics: AnalyticsDesk,
    clickhouse: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.append(delivery_events(2_000))
    written.live()
    with pytest.raises(UnknownViewError, match=r"clickhouse\.people; there are clickhouse\.events"):
        analytics.rebuild("clickhouse.people")
    with pytest.raises(NoShadowError, match="has no shadow"):
        analytics.swap(EVENTS)
    with pytest.raises(BadPositionError, match="in the future"):
        analytics.rebuild(EVENTS, as_of=2_001)
    analytics.rebuild(EVENTS, as_of=1_000)
    assert analytics.diff(EVENTS).same
    with pytest.raises(NoShadowError, match="for comparison only"):
        analytics.swap(EVENTS)
    analytics.rebuild(EVENTS)
    with pytest.raises(NoShadowError, match="nothing to roll back"):
        analytics.swap(EVENTS, back=True)
    refused: list[Exception] = []

    def another(_line: str) -> None:
        try:
            analytics.rebuild(EVENTS)
        except RebuildError as error:
            refused.append(error)

    analytics.rebuild(EVENTS, say=another)
    assert [type(error) for error in refused] == [BusyError]
    clickhouse.command("INSERT INTO shadow_events SELECT * FROM shadow_events WHERE position = 11")
    with pytest.raises(RebuildError, match="2,001 rows, not the 2,000"):
        analytics.swap(EVENTS)
    clickhouse.command("ALTER TABLE events ADD COLUMN more UInt8")
    with pytest.raises(NoShadowError, match=r"a migration has changed clickhouse\.events"):
        analytics.swap(EVENTS)
    analytics.discard(EVENTS)
    assert analytics.status() == []


def test_a_writer_that_is_behind_the_shadow_is_waited_for_and_named(
    world: Models,
    written: Written,
    analytics: AnalyticsDesk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.append(delivery_events(2_000))
    analytics.rebuild(EVENTS)
    monkeypatch.setattr("projections.rebuild.analytics_swap._PATIENCE", 0.2)

    with pytest.raises(NotCaughtUpError, match=r"has not reached position \d+ of delivery-events/"):
        analytics.swap(EVENTS)
    written.live()
    analytics.swap(EVENTS)


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt

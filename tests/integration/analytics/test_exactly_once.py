"""Every event is in ClickHouse exactly once, whatever crashes and however batches are cut."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError
from psycopg_pool import ConnectionPool

from projections.batch import Record
from projections.clickhouse.bookkeeping import Bookkeeping, Partition, Planned, Standing
from projections.clickhouse.inserts import Insert, Inserter
from projections.clickhouse.writer import AnalyticsWriter, NotWrittenError
from schemas.codec import Event
from tests.integration.analytics.conftest import BY_HAND, CODEC, MakeWriter
from tests.support.histories import batch_of, history, records

Logs = Mapping[Partition, Sequence[Record]]


class Crash(BaseException):
    """The process ends here."""


class CrashingBookkeeping(Bookkeeping):
    """Ends the process after the insert, before the position is stored."""

    def complete(self, batches: Mapping[Partition, Planned]) -> dict[Partition, Standing]:
        raise Crash(batches)


class CrashingInserter(Inserter):
    """Ends the process between the tables: `events` is written, the rest is not."""

    def insert(self, inserts: Sequence[Insert]) -> None:
        super().insert([insert for insert in inserts if insert.table == "events"])
        raise Crash


class AwayInserter(Inserter):
    """ClickHouse is away while `away` is set."""

    away = True

    def insert(self, inserts: Sequence[Insert]) -> None:
        if self.away:
            raise OperationalError("connection refused")
        super().insert(inserts)


def some_events(seed: int = 1) -> list[Event]:
    return history(random.Random(seed), streams=30, longest=12)


def feed(writer: AnalyticsWriter, logs: Logs, size: int, seed: int = 5) -> None:
    """What the transport does: resumes where the writer says, in chunks of up to `size`."""
    rng = random.Random(seed)
    resume = writer.next_offsets(list(logs))
    for partition, log in logs.items():
        left = [record for record in log if record.offset >= resume.get(partition, 0)]
        while left:
            cut = rng.randint(1, size)
            writer.handle(batch_of(partition, left[:cut]))
            left = left[cut:]


def stored(client: Client, table: str = "events") -> list[int]:
    rows = client.query(f"SELECT position FROM {table} ORDER BY position").result_rows  # noqa: S608
    return [row[0] for row in rows]


def expected_deliveries(events: Sequence[Event]) -> list[int]:
    return [
        e.position for e in events if e.topic == "delivery-events" and e.data["kind"] == "campaign"
    ]


def eventually(client: Client, positions: list[int], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while stored(client) != positions and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stored(client) == positions


def check_all_once(client: Client, pool: ConnectionPool[Any], events: Sequence[Event]) -> None:
    assert stored(client) == [event.position for event in events]
    assert stored(client, "deliveries") == expected_deliveries(events)
    turns = [e.position for e in events if e.type == "IntentRecognized"]
    assert stored(client, "turns") == turns
    with pool.connection() as connection:
        found = dict(
            connection.execute(
                "SELECT topic || partition, (next_offset, position)::text FROM state.positions"
            ).fetchall()
        )
        pending = connection.execute("SELECT * FROM state.analytics_batches").fetchall()
    logs = records(CODEC, events)
    assert found == {f"{t}{p}": f"({len(log)},{log[-1].position})" for (t, p), log in logs.items()}
    assert pending == []


def test_events_arrive_by_themselves_and_say_how_fresh_they_are(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events()
    writer = make_writer()
    feed(writer, records(CODEC, events), size=7)
    eventually(clickhouse, [event.position for event in events])
    writer.close()
    check_all_once(clickhouse, pool, events)
    progress = clickhouse.query("SELECT topic, partition, position FROM progress").result_rows
    logs = records(CODEC, events)
    assert sorted(map(tuple, progress)) == sorted(
        (t, p, log[-1].position) for (t, p), log in logs.items()
    )


def test_overlaps_and_repeats_change_nothing(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(2)
    logs = records(CODEC, events)
    writer = make_writer(BY_HAND)
    for size in (3, 50):
        for partition, log in logs.items():
            for start in range(0, len(log), 2):
                writer.handle(batch_of(partition, log[start : start + size]))
        writer.flush()
    check_all_once(clickhouse, pool, events)


@pytest.mark.parametrize("seed", range(3))
def test_a_crash_after_the_insert_repeats_the_same_batch_however_chunks_are_cut(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any], seed: int
) -> None:
    events = some_events(seed)
    logs = records(CODEC, events)
    half = {p: log[: (len(log) + 1) // 2] for p, log in logs.items()}
    first = make_writer(BY_HAND, bookkeeping=CrashingBookkeeping(pool))
    feed(first, half, size=5, seed=seed)
    with pytest.raises(Crash):
        first.flush()
    assert stored(clickhouse) == sorted(r.position for log in half.values() for r in log)
    abandon(first)

    second = make_writer(BY_HAND)
    assert set(second.next_offsets(list(logs)).values()) <= {0}
    feed(second, logs, size=9, seed=seed + 1)
    second.flush()
    check_all_once(clickhouse, pool, events)


def test_it_is_the_token_that_makes_the_repetition_harmless(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    logs = records(CODEC, some_events(6))
    first = make_writer(BY_HAND, bookkeeping=CrashingBookkeeping(pool))
    feed(first, logs, size=50)
    with pytest.raises(Crash):
        first.flush()
    abandon(first)
    once = stored(clickhouse)
    other_tokens = make_writer(BY_HAND, topic_prefix="other-")
    feed(other_tokens, logs, size=50)
    other_tokens.flush()
    assert stored(clickhouse) == sorted([*once, *once])


def test_a_crash_between_two_tables_leaves_neither_short(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(7)
    logs = records(CODEC, events)
    first = make_writer(BY_HAND, inserter=CrashingInserter(clickhouse))
    feed(first, logs, size=50)
    with pytest.raises(Crash):
        first.flush()
    abandon(first)
    assert stored(clickhouse)
    assert not stored(clickhouse, "deliveries")
    second = make_writer(BY_HAND)
    feed(second, logs, size=4)
    second.flush()
    check_all_once(clickhouse, pool, events)


def test_recorded_bounds_wait_for_their_last_record(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(8)
    partition, log = max(records(CODEC, events).items(), key=lambda item: len(item[1]))
    first = make_writer(BY_HAND, bookkeeping=CrashingBookkeeping(pool))
    first.handle(batch_of(partition, log))
    with pytest.raises(Crash):
        first.flush()
    abandon(first)
    second = make_writer(BY_HAND)
    second.next_offsets([partition])
    second.handle(batch_of(partition, log[:-1]))
    second.flush()
    with pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM state.positions").fetchone() == (0,)
    second.handle(batch_of(partition, log[-1:]))
    second.flush()
    assert stored(clickhouse) == [record.position for record in log]
    assert second.next_offsets([partition]) == {partition: len(log)}


def test_two_writers_of_one_partition_write_each_event_once(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(9)
    logs = records(CODEC, events)
    one, other = make_writer(BY_HAND), make_writer(BY_HAND)
    for writer in (one, other):
        writer.next_offsets(list(logs))
    for index, size in enumerate((5, 3, 8, 2, 9)):
        for writer in (one, other) if index % 2 else (other, one):
            for partition, log in logs.items():
                writer.handle(batch_of(partition, log[: size * (index + 1)]))
            writer.flush()
    feed(one, logs, size=20)
    one.flush()
    check_all_once(clickhouse, pool, events)


def test_while_clickhouse_is_away_nothing_is_taken_and_then_everything_follows(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(10)
    logs = records(CODEC, events)
    inserter = AwayInserter(clickhouse)
    writer = make_writer(inserter=inserter)
    feed_until_refused(writer, logs)
    assert stored(clickhouse) == []
    inserter.away = False
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            feed(writer, logs, size=6)
            break
        except NotWrittenError:
            time.sleep(0.02)
    eventually(clickhouse, [event.position for event in events])
    writer.close()
    check_all_once(clickhouse, pool, events)


def test_a_record_nobody_can_read_takes_nothing_with_it_and_can_be_skipped(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(11)
    partition, log = max(records(CODEC, events).items(), key=lambda item: len(item[1]))
    bad = Record(*partition, len(log), b"k", b"\x00no event", {"position": b"9000"})
    writer = make_writer(BY_HAND)
    with pytest.raises(Exception, match="id"):
        writer.handle(batch_of(partition, [*log, bad]))
    assert writer.next_offsets([partition]) == {}
    writer.handle(batch_of(partition, log))
    writer.skip(batch_of(partition, [bad]))
    writer.flush()
    assert stored(clickhouse) == [record.position for record in log]
    assert writer.next_offsets([partition]) == {partition: len(log) + 1}


def test_positions_that_the_relay_repeats_are_written_once(
    make_writer: MakeWriter, clickhouse: Client, pool: ConnectionPool[Any]
) -> None:
    events = some_events(12)
    partition, log = max(records(CODEC, events).items(), key=lambda item: len(item[1]))
    again = [Record(*partition, len(log) + n, r.key, r.value, r.headers) for n, r in enumerate(log)]
    writer = make_writer(BY_HAND)
    writer.handle(batch_of(partition, log))
    writer.flush()
    writer.handle(batch_of(partition, again))
    writer.flush()
    assert stored(clickhouse) == [record.position for record in log]
    assert make_writer(BY_HAND).next_offsets([partition]) == {partition: 2 * len(log)}


def feed_until_refused(writer: AnalyticsWriter, logs: Logs) -> None:
    """Hands over a record, waits until writing it has failed, and sees the next one refused."""
    partition, log = next(iter(logs.items()))
    writer.handle(batch_of(partition, log[:1]))
    deadline = time.monotonic() + 10
    while writer.failure is None and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(NotWrittenError, match="connection refused"):
        writer.handle(batch_of(partition, log))


def abandon(writer: AnalyticsWriter) -> None:
    """The process is gone: what waits in it is never written."""
    writer._buffers.clear()

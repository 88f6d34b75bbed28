"""The writer on real Postgres: what the folds say is what the tables hold, exactly once."""

from __future__ import annotations

import random
import threading
from typing import Any

import psycopg
import pytest

from infra.postgres import Connection
from projections.batch import Batch, Record
from projections.postgres.counters import METRICS
from projections.postgres.tables import TableMismatchError, open_tables
from projections.postgres.view import View, stream_id
from projections.postgres.views import ALL_VIEWS, businesses
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec, Event, UnreadableEventError
from tests.support.histories import TestKeys, batch_of, history, identity, make_event, records
from tests.support.memory_views import Counters, views_after


def rows_of(conn: Connection, view: View[Any]) -> dict[str, Any]:
    fields = view.row._fields
    found = conn.execute(f"SELECT {', '.join(fields)} FROM views.{view.name}")  # noqa: S608
    key = fields.index(view.key)
    return {row[key]: view.row._make(row) for row in found}


def counters_of(conn: Connection) -> Counters:
    found = conn.execute(
        f"SELECT campaign_id, step, organization_id, {', '.join(METRICS)} "  # noqa: S608
        "FROM views.campaign_counters"
    )
    return {row[:3]: row[3:] for row in found if any(row[3:])}


def deliver(
    writer: ProjectionWriter, codec: Codec, events: list[Event], rng: random.Random
) -> list[Batch]:
    """Every partition in batches of random sizes, partitions in turn, some batches twice."""
    waiting = {partition: list(log) for partition, log in records(codec, events).items()}
    handled = []
    while waiting:
        partition = rng.choice(sorted(waiting))
        log = waiting[partition]
        size = rng.randint(1, len(log))
        batch = batch_of(partition, log[:size])
        for _ in range(rng.choice((1, 1, 2))):
            writer.handle(batch)
        handled.append(batch)
        del log[:size]
        if not log:
            del waiting[partition]
    return handled


@pytest.mark.parametrize("seed", range(6))
def test_tables_hold_what_the_folds_say(
    writer: ProjectionWriter, worker: Connection, codec: Codec, seed: int
) -> None:
    rng = random.Random(seed)
    events = history(rng, streams=60, longest=12)
    deliver(writer, codec, events, rng)
    expected = views_after(events)
    for view in ALL_VIEWS:
        assert rows_of(worker, view) == expected.rows[view.name], view.name
    assert counters_of(worker) == expected.recounted()
    assert sum(map(len, expected.rows.values())) > 20


def test_a_batch_that_comes_again_or_overlaps_changes_nothing(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    events = history(random.Random(11), streams=40)
    batches = deliver(writer, codec, events, random.Random(11))
    before = [rows_of(worker, view) for view in ALL_VIEWS], counters_of(worker)
    for batch in batches:
        writer.handle(batch)
    assert ([rows_of(worker, view) for view in ALL_VIEWS], counters_of(worker)) == before


def test_it_resumes_behind_what_is_stored_and_from_the_start_where_nothing_is(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    events = [make_event("BusinessAdded", identity(i), position=i + 1) for i in range(20)]
    logs = records(codec, events)
    for partition, log in logs.items():
        writer.handle(batch_of(partition, log))
    asked = [("organization-events", p) for p in range(4)] + [("delivery-events", 0)]
    assert writer.next_offsets(asked) == {p: len(log) for p, log in logs.items()}
    worker.execute("DELETE FROM state.positions WHERE consumer = 'api_keys'")
    assert writer.next_offsets(asked) == {}


def test_a_view_that_is_behind_catches_up_while_the_others_stand_still(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    events = [make_event("BusinessAdded", identity("b"))]
    [(partition, log)] = records(codec, events).items()
    writer.handle(batch_of(partition, log))
    worker.execute("DELETE FROM views.businesses")
    worker.execute("UPDATE state.positions SET next_offset = 0 WHERE consumer = 'businesses'")
    writer.handle(batch_of(partition, log))
    assert worker.execute("SELECT count(*) FROM views.businesses").fetchone() == (1,)
    stored = worker.execute("SELECT DISTINCT next_offset FROM state.positions").fetchall()
    assert stored == [(1,)]


def test_a_batch_with_bytes_that_are_no_event_stores_nothing(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    [(partition, [good])] = records(codec, [make_event("BusinessAdded", identity("b"))]).items()
    bad = Record(*partition, offset=1, key=None, value=b"\x00junk", headers={"position": b"2"})
    with pytest.raises(UnreadableEventError):
        writer.handle(batch_of(partition, [good, bad]))
    assert worker.execute("SELECT count(*) FROM views.businesses").fetchone() == (0,)
    assert worker.execute("SELECT count(*) FROM state.positions").fetchone() == (0,)


def test_a_skipped_record_is_passed_for_good(writer: ProjectionWriter, worker: Connection) -> None:
    bad = Record("contact-events", 2, 41, None, b"junk", {"position": b"not a number"})
    writer.skip(Batch("contact-events", 2, (bad,)))
    assert writer.next_offsets([("contact-events", 2)]) == {("contact-events", 2): 42}


def test_views_of_a_topic_tell_their_readers(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    worker.execute("LISTEN nudge_views")
    [(partition, log)] = records(codec, [make_event("BusinessAdded", identity("b"))]).items()
    writer.handle(batch_of(partition, log))
    told = [note.channel for note in worker.notifies(timeout=60, stop_after=1)]
    assert told == ["nudge_views"]


def test_two_partitions_at_once_share_counters_without_deadlock_or_loss(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    campaigns = [identity("campaign", i) for i in range(20)]
    events = [
        make_event("DeliveryIntended", identity(i), 1, i + 1, kind="campaign", step=1,
                   campaign_id=campaigns[i % 20])
        for i in range(2000)
    ]  # fmt: skip
    failures: list[BaseException] = []

    def run(partition: tuple[str, int], log: list[Record]) -> None:
        try:
            for start in range(0, len(log), 50):
                writer.handle(batch_of(partition, log[start : start + 50]))
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run, args=each) for each in records(codec, events).items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    intended = [row[3] for row in worker.execute("SELECT * FROM views.campaign_counters")]
    assert intended == [100] * 20


def test_two_writers_of_one_partition_store_each_batch_once(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    events = [
        make_event(kind, identity("d"), v, v, kind="campaign")
        for v, kind in enumerate(["DeliveryIntended", *["Opened"] * 30], 1)
    ]
    [(partition, log)] = records(codec, events).items()

    def run() -> None:
        for start in range(0, len(log), 3):
            writer.handle(batch_of(partition, log[start : start + 3]))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.execute("SELECT opened FROM views.deliveries").fetchone() == (30,)
    assert worker.execute("SELECT opened FROM views.campaign_counters").fetchone() == (30,)


def test_a_row_that_is_not_its_table_is_refused_at_the_start(worker: Connection) -> None:
    wrong = View(
        name="api_keys",
        row=businesses.BusinessRow,
        events=frozenset({"BusinessAdded"}),
        key_of=stream_id,
        fold=businesses.fold,
    )
    with pytest.raises(TableMismatchError, match="secret_hash"):
        open_tables(worker, [wrong])


def test_postgres_away_is_told_as_such(codec: Codec) -> None:
    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout=1)

    away = ProjectionWriter(connect, codec, TestKeys())
    [(partition, log)] = records(codec, [make_event("BusinessAdded", identity("b"))]).items()
    with pytest.raises(psycopg.OperationalError):
        away.handle(batch_of(partition, log))

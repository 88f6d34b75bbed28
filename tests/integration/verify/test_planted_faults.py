"""Lost, doubled, altered, planted in each store: found, named, and healed where it can be."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from infra.verifying.verifier import LOCK, Verifier, VerifyRunningError, heal
from projections.rebuild.errors import UnfoldableEventError
from projections.verify.fault import CLICKHOUSE, KAFKA, POSTGRES, Fault
from tests.benchmarks.workload import delivery_events
from tests.integration.verify.conftest import Installation
from tests.support.services import Services
from tests.support.topic_filling import Record, damaged, fill_topics

LOST, ALTERED, DOUBLED, AGAIN = 2_500, 2_501, 2_502, 2_503
"""Positions in the middle: events of different deliveries."""


def event_at(installation: Installation, position: int) -> tuple[str, str]:
    row = installation.models.conn.execute(
        "SELECT type, stream_id FROM log.events WHERE position = %s", (position,)
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def told(faults: list[Fault]) -> set[tuple[str, int, str]]:
    return {(fault.kind, fault.position, fault.event) for fault in faults}


def test_whole_stores_have_no_faults(whole: Installation) -> None:
    found = whole.verify()

    assert found.faults == []
    total = whole.models.conn.execute("SELECT count(*) FROM log.events").fetchone()
    assert total == (found.events[KAFKA],)
    assert found.events[POSTGRES] > 4_000
    assert found.events[CLICKHOUSE] > 8_000


# --- Kafka ---------------------------------------------------------------------------------


def damage(records: list[Record]) -> Iterator[Record]:
    """One lost, one altered, one there twice in a row, and one again at the very end."""
    yield from damaged(records, lost=LOST, altered=ALTERED, doubled=DOUBLED)
    yield records[AGAIN - 1]


def test_faults_in_kafka_are_located_and_nothing_else_is_blamed(
    installation: Installation,
) -> None:
    fill_topics(installation.core, installation.models.conn, damage)

    found = installation.verify()

    expected = {LOST: "lost", ALTERED: "altered", DOUBLED: "doubled", AGAIN: "doubled"}
    log = {position: event_at(installation, position) for position in expected}
    assert told(found.faults) == {(k, at, log[at][0]) for at, k in expected.items()}
    assert {f.position: f.key for f in found.faults} == {at: log[at][1] for at in expected}
    assert {(f.store, f.model) for f in found.faults} == {(KAFKA, "")}
    assert all(fault.place.startswith("delivery-events-") for fault in found.faults)
    assert found.first is not None
    assert found.first.position == min(expected)
    assert heal(found.faults, installation.models.desk(), installation.analytics, print) == []


def test_a_record_behind_the_end_of_the_log_is_found(installation: Installation) -> None:
    def more(records: list[Record]) -> Iterator[Record]:
        yield from records
        yield (10**12, *records[AGAIN - 1][1:])

    fill_topics(installation.core, installation.models.conn, more)

    found = installation.verify(KAFKA)

    assert told(found.faults) == {("extra", 10**12, "")}


# --- Postgres ------------------------------------------------------------------------------

_LOST = "DELETE FROM views.deliveries WHERE id = %s"
_ALTERED = "UPDATE views.deliveries SET contact_id = gen_random_uuid() WHERE id = %s"
_DOUBLED = """
INSERT INTO views.deliveries
SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
FROM views.deliveries d WHERE id = %s
"""


def test_faults_in_postgres_are_found_and_healed(whole: Installation) -> None:
    expected = set()
    for at, statement, kind in (
        (LOST, _LOST, "lost"), (ALTERED, _ALTERED, "altered"), (DOUBLED, _DOUBLED, "doubled")
    ):  # fmt: skip
        _, stream = event_at(whole, at)
        whole.models.conn.execute(statement, (stream,))
        events = whole.models.conn.execute(
            "SELECT position, type FROM log.events WHERE stream_id = %s ORDER BY version", (stream,)
        ).fetchall()
        # A second row is a copy of the last state; the others differ from their first event on.
        expected.add((kind, *(events[-1] if kind == "doubled" else events[0])))

    found = whole.verify()

    rows = [fault for fault in found.faults if fault.place == "views.deliveries"]
    assert told(rows) == expected
    assert {fault.store for fault in found.faults} == {POSTGRES}
    assert found.first is not None
    assert found.first.position == min(position for _, position, _ in expected)
    assert heal(found.faults, whole.models.desk(), whole.analytics, print) == ["deliveries"]
    assert whole.verify().faults == []


def test_a_lost_update_an_event_folded_twice_and_a_wrong_counter_are_found(
    whole: Installation,
) -> None:
    conn = whole.models.conn
    row = conn.execute(
        "SELECT e.stream_id, e.position FROM log.events e"
        " JOIN views.deliveries d ON d.id = e.stream_id"
        " WHERE e.type = 'Opened' AND d.opened = 1 AND d.kind = 'campaign' AND 1 = (SELECT count(*)"
        " FROM log.events o WHERE o.stream_id = e.stream_id AND o.type = 'Opened') LIMIT 1"
    ).fetchone()
    assert row is not None
    stream, position = row
    conn.execute("UPDATE views.deliveries SET opened = 2 WHERE id = %s", (stream,))

    found = whole.verify(POSTGRES)

    assert told(found.faults) == {("altered", position, "Opened"), ("altered", 0, "")}
    assert {fault.place for fault in found.faults} == {
        "views.deliveries",
        "views.campaign_counters",
    }
    assert "opened is 2, not 1" in {fault.detail for fault in found.faults}


# --- ClickHouse ----------------------------------------------------------------------------


_PLANTED = {
    LOST: ("DELETE FROM {table} WHERE position = {at}", "lost"),
    DOUBLED: ("INSERT INTO {table} SELECT * FROM {table} WHERE position = {at}", "doubled"),
    ALTERED: (
        "ALTER TABLE {table} UPDATE {column} = {column} + 1 WHERE position = {at}",
        "altered",
    ),
}


def test_faults_in_clickhouse_are_found_and_healed(whole: Installation) -> None:
    tables = {"events": "stream_version", "deliveries": "step"}
    for table, column in tables.items():
        for at, (statement, _) in _PLANTED.items():
            command = statement.format(table=table, column=column, at=at)
            whole.clickhouse.command(command, settings={"mutations_sync": 1})

    found = whole.verify()

    expected = {(kind, at, event_at(whole, at)[0]) for at, (_, kind) in _PLANTED.items()}
    for table in tables:
        place = f"clickhouse.{table}"
        assert told([f for f in found.faults if f.place == place]) == expected
    assert len(found.faults) == 6
    models = [f"clickhouse.{table}" for table in tables]
    assert sorted(heal(found.faults, whole.models.desk(), whole.analytics, print)) == sorted(models)
    assert whole.verify().faults == []


def test_what_a_view_or_the_writer_has_not_reached_is_no_fault(whole: Installation) -> None:
    whole.models.append(delivery_events(500, seed=2))

    assert whole.verify(POSTGRES, CLICKHOUSE).faults == []
    assert whole.verify(KAFKA).faults == []


def test_a_log_that_cannot_be_read_is_said_with_the_position(
    whole: Installation, stack: Services
) -> None:
    name = whole.models.database.owner_url.rsplit("/", 1)[1]
    admin = stack.postgres_admin_url.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(admin, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE log.events SET bytes = '\\x00' WHERE position = 2500")

    for store in (POSTGRES, CLICKHOUSE):
        with pytest.raises(UnfoldableEventError, match="cannot be read at position 2500"):
            whole.verify(store)
    assert told(whole.verify(KAFKA).faults) == {("altered", 2_500, event_at(whole, 2_500)[0])}


def test_what_differs_in_personal_data_is_named_and_not_told(whole: Installation) -> None:
    conn = whole.models.conn
    row = conn.execute("SELECT id FROM views.contacts WHERE email <> '' LIMIT 1").fetchone()
    assert row is not None
    conn.execute("UPDATE views.contacts SET email = 'planted@example.com' WHERE id = %s", row)

    (found,) = whole.verify(POSTGRES).faults

    assert (found.kind, found.place, found.key) == ("altered", "views.contacts", row[0])
    assert found.detail == "email: not as the events say"


def test_one_verification_by_schedule_at_a_time_and_any_by_hand(whole: Installation) -> None:
    whole.models.conn.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    with pytest.raises(VerifyRunningError, match="another verification"):
        Verifier(whole.core, gentle=True).verify([POSTGRES])
    assert whole.verify(POSTGRES).faults == []
    whole.models.conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def test_a_verification_that_is_stopped_ends(whole: Installation) -> None:
    verifier = Verifier(whole.core)
    verifier._stop.set()
    with pytest.raises(VerifyRunningError, match="stopped"):
        verifier.verify([POSTGRES])

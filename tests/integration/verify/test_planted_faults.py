"""Lost, doubled, altered, planted in each store: found, named, and healed where it can be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.rebuilding.desk import PostgresDesk
from infra.verifying.verifier import LOCK, Verifier, VerifyRunningError, heal
from projections.verify.fault import CLICKHOUSE, KAFKA, POSTGRES, Fault
from tests.benchmarks.workload import delivery_events
from tests.integration.verify.conftest import Installation
from tests.support.topic_filling import Record, fill_topics

_AT = 2_500
"""A position in the middle: a delivery's event."""


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


def lost(records: list[Record]) -> list[Record]:
    return [record for record in records if record[0] != _AT]


def doubled(records: list[Record]) -> list[Record]:
    return [again for record in records for again in [record] * (1 + (record[0] == _AT))]


def altered(records: list[Record]) -> list[Record]:
    return [
        (*record[:4], bytes(record[4])[:-1] + b"\x7f") if record[0] == _AT else record
        for record in records
    ]


def doubled_at_the_end(records: list[Record]) -> list[Record]:
    return [*records, records[_AT - 1]]


@pytest.mark.parametrize(
    ("plant", "kind"),
    [(lost, "lost"), (doubled, "doubled"), (altered, "altered"), (doubled_at_the_end, "doubled")],
)
def test_a_fault_in_kafka_is_located(
    installation: Installation, plant: Callable[[list[Record]], list[Record]], kind: str
) -> None:
    fill_topics(installation.core, installation.models.conn, plant)

    found = installation.verify()

    event, stream = event_at(installation, _AT)
    assert told(found.faults) == {(kind, _AT, event)}
    assert [(f.store, f.key, f.model) for f in found.faults] == [(KAFKA, stream, "")]
    assert found.faults[0].place.startswith("delivery-events-")
    assert heal(found.faults, None, None, print) == []  # type: ignore[arg-type]


# --- Postgres ------------------------------------------------------------------------------

_LOST = "DELETE FROM views.deliveries WHERE id = %(id)s"
_ALTERED = "UPDATE views.deliveries SET contact_id = gen_random_uuid() WHERE id = %(id)s"
_DOUBLED = """
INSERT INTO views.deliveries
SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
FROM views.deliveries d WHERE id = %(id)s
"""


@pytest.mark.parametrize(
    ("statement", "kind", "first"),
    [(_LOST, "lost", True), (_DOUBLED, "doubled", False), (_ALTERED, "altered", True)],
)
def test_a_fault_in_postgres_is_found_and_healed(
    whole: Installation, statement: str, kind: str, first: bool
) -> None:
    _, stream = event_at(whole, _AT)
    whole.models.conn.execute(statement, {"id": stream})
    events = whole.models.conn.execute(
        "SELECT position, type FROM log.events WHERE stream_id = %s ORDER BY version", (stream,)
    ).fetchall()
    named = events[0] if first else events[-1]

    found = whole.verify()

    rows = [fault for fault in found.faults if fault.place == "views.deliveries"]
    assert told(rows) == {(kind, *named)}
    assert {fault.store for fault in found.faults} == {POSTGRES}
    assert found.first is not None
    assert (found.first.position, found.first.event) == named
    assert heal(found.faults, desk(whole), whole.analytics, print) == ["deliveries"]
    assert whole.verify().faults == []


def test_a_lost_update_an_event_folded_twice_and_a_wrong_counter_are_found(
    whole: Installation,
) -> None:
    conn = whole.models.conn
    row = conn.execute(
        "SELECT e.stream_id, e.position, e.version FROM log.events e"
        " JOIN views.deliveries d ON d.id = e.stream_id"
        " WHERE e.type = 'Opened' AND d.opened = 1 AND d.version = e.version"
        " AND d.kind = 'campaign' LIMIT 1"
    ).fetchone()
    assert row is not None
    stream, position, _ = row
    conn.execute("UPDATE views.deliveries SET opened = 2 WHERE id = %s", (stream,))

    found = whole.verify(POSTGRES)

    assert told(found.faults) == {("altered", position, "Opened"), ("altered", 0, "")}
    assert {fault.place for fault in found.faults} == {
        "views.deliveries",
        "views.campaign_counters",
    }
    assert "opened is 2, not 1" in {fault.detail for fault in found.faults}


# --- ClickHouse ----------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["events", "deliveries"])
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM {table} WHERE position = {at}", "lost"),
        ("INSERT INTO {table} SELECT * FROM {table} WHERE position = {at}", "doubled"),
        (
            "ALTER TABLE {table} UPDATE occurred_at = occurred_at + 1 WHERE position = {at}",
            "altered",
        ),
    ],
)
def test_a_fault_in_clickhouse_is_found_and_healed(
    whole: Installation, table: str, statement: str, kind: str
) -> None:
    whole.clickhouse.command(statement.format(table=table, at=_AT), settings={"mutations_sync": 1})
    event, _ = event_at(whole, _AT)

    found = whole.verify()

    assert told(found.faults) == {(kind, _AT, event)}
    assert [fault.place for fault in found.faults] == [f"clickhouse.{table}"]
    assert heal(found.faults, desk(whole), whole.analytics, print) == [f"clickhouse.{table}"]
    assert whole.verify().faults == []


def test_what_a_view_or_the_writer_has_not_reached_is_no_fault(whole: Installation) -> None:
    whole.models.append(delivery_events(500, seed=2))

    assert whole.verify(POSTGRES, CLICKHOUSE).faults == []
    assert whole.verify(KAFKA).faults == []


def test_one_verification_at_a_time_and_one_that_is_stopped_ends(whole: Installation) -> None:
    whole.models.conn.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    with pytest.raises(VerifyRunningError, match="another verification"):
        whole.verify()
    whole.models.conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
    verifier = Verifier(whole.core)
    verifier._stop.set()
    with pytest.raises(VerifyRunningError, match="stopped"):
        verifier.verify([POSTGRES])


def desk(whole: Installation) -> PostgresDesk:
    return whole.models.desk()

"""ClickHouse forgets who left: what it had, kept copies included, and what comes in late."""

from __future__ import annotations

from datetime import timedelta

from infra.leaving.checking import leftovers
from infra.leaving.sweeping import rows_in, sweep
from projections.rebuild.analytics_fill import PREFIX, tables
from projections.rebuild.analytics_swap import create, drop
from projections.verify.analytics import TableCheck
from tests.integration.leaving.conftest import Deletion, House


def settled(house: House, identity: str) -> tuple[bool, bool]:
    row = house.story.sql.execute(
        "SELECT swept_at IS NOT NULL, settled_at IS NOT NULL FROM state.departed"
        " WHERE organization_id = %s",
        (identity,),
    ).fetchone()
    assert row is not None
    return bool(row[0]), bool(row[1])


def test_clickhouse_is_swept_at_once_and_once_more_when_all_is_settled(
    house: House, deletion: Deletion
) -> None:
    identity = deletion.document["certificate"]["organization_id"]
    others = house.staying.tenant.organization_id
    api = house.api
    known = tables(api.worker.codec)
    kept = known[f"{PREFIX}events"]
    with house.clickhouse() as client:
        create(client, kept)
        client.command(f"INSERT INTO {kept.shadow} SELECT * FROM {kept.name}")  # noqa: S608
        had, others_had = rows_in(client, "events", identity), rows_in(client, "events", others)
        assert rows_in(client, kept.shadow, identity) == had > 0

        assert sweep(api.worker.pool.connection, house.clickhouse) == 0
        assert settled(house, identity) == (True, False)
        assert leftovers(api.worker, client, identity) == {}
        assert rows_in(client, "events", others) == others_had
        assert rows_in(client, kept.shadow, others) == others_had

        api.tenant, staying = house.leaving.tenant, api.tenant
        house.story.contacts("late", 1)
        api.tenant = staying
        house.analyse()
        assert rows_in(client, "events", identity) == 0

        assert sweep(api.worker.pool.connection, house.clickhouse) == 0  # it is not due yet
        assert sweep(api.worker.pool.connection, house.clickhouse, timedelta()) == 1
        assert settled(house, identity) == (True, True)
        assert leftovers(api.worker, client, identity) == {}
        assert sweep(api.worker.pool.connection, house.clickhouse, timedelta()) == 0
        for table in known.values():
            check = TableCheck(house.story.sql, client, api.worker.codec, table)
            assert list(check.faults()) == []
        drop(client, kept)

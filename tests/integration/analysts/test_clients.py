"""Programs that analysts have connect with such a login as they do with any server."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import clickhouse_connect
import pytest
from aiochclient import ChClient
from clickhouse_connect.driver.exceptions import DatabaseError
from sqlalchemy import create_engine, inspect, text

from infra.local.clickhouse.analysts.tables import TABLES
from tests.integration.analysts.conftest import Analytics


def client_of(analytics: Analytics, **more: Any) -> Any:
    login = analytics.login
    return clickhouse_connect.get_client(
        host="127.0.0.1",
        port=analytics.server.port,
        username=login["username"],
        password=login["password"],
        **more,
    )


@pytest.mark.parametrize("database", [{}, {"database": "nudge"}])
def test_clickhouse_connect_queries(analytics: Analytics, database: dict[str, str]) -> None:
    client = client_of(analytics, **database)
    found = client.query(
        "SELECT type, count() AS n FROM events WHERE position < {most:UInt64}"
        " AND event_id IN (SELECT event_id FROM nudge.events) GROUP BY type ORDER BY type",
        parameters={"most": 10_000},
    )
    assert found.result_rows == [("CampaignDrafted", 3), ("ReplyGiven", 3)]
    ids = client.query("SELECT organization_id FROM events LIMIT 1").result_rows
    assert ids == [(analytics.mine,)]
    assert client.command("SHOW TABLES") == "\n".join(sorted(TABLES))
    with client.query_row_block_stream("SELECT position FROM events") as blocks:
        assert sum(len(block) for block in blocks) == 6
    with pytest.raises(DatabaseError, match="497"):
        client.command("DROP TABLE events")
    with pytest.raises(DatabaseError, match="497"):
        client.insert("events", [[1]], column_names=["position"])
    client.close()


def test_long_parameters_of_clickhouse_connect_come_as_a_form(analytics: Analytics) -> None:
    client = client_of(analytics)
    found = client.query(
        "SELECT count() FROM events WHERE has({ids:Array(UInt64)}, position)",
        parameters={"ids": list(range(3_000))},
    )
    assert found.result_rows == [(6,)]
    client.close()


def test_sqlalchemy_finds_the_tables_and_their_columns(analytics: Analytics) -> None:
    login = analytics.login
    engine = create_engine(
        f"clickhousedb://{login['username']}:{login['password']}@127.0.0.1:{analytics.server.port}/nudge"
    )
    found = inspect(engine)
    assert set(found.get_table_names()) | set(found.get_view_names()) == set(TABLES)
    assert [column["name"] for column in found.get_columns("turns")] == list(TABLES["turns"])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count() FROM turns")).scalar() == 4
    engine.dispose()


def test_aiochclient_queries(analytics: Analytics) -> None:
    async def ask() -> tuple[bool, list[Any], int, list[Any]]:
        async with aiohttp.ClientSession() as session:
            client = ChClient(
                session,
                url=analytics.server.url,
                user=analytics.login["username"],
                password=analytics.login["password"],
                database="nudge",
            )
            rows = await client.fetch(
                "SELECT type, count() FROM events WHERE position < {most}"
                " GROUP BY type ORDER BY type",
                params={"most": 10_000},
            )
            as_json = await client.fetch("SELECT position FROM events LIMIT 1", json=True)
            total = await client.fetchval("SELECT count() FROM delivery_states")
            return await client.is_alive(), [tuple(row.values()) for row in rows], total, as_json

    alive, rows, total, as_json = asyncio.run(ask())
    assert alive
    assert rows == [("CampaignDrafted", 3), ("ReplyGiven", 3)]
    assert total == 3
    assert as_json

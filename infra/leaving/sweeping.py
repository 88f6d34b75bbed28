"""What an organization left behind, swept: at once, and once more when nothing can come in late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
import structlog
from clickhouse_connect.driver.client import Client

from infra.leaving.certificate import SETTLES
from infra.postgres import Connection

EVERY: Final = 5.0
"""Seconds between two looks at who left."""
Connect = Callable[[], AbstractContextManager[Connection]]
Reach = Callable[[], AbstractContextManager[Client]]
_PATIENTLY: Final = "SET LOCAL statement_timeout = '10min'"
_TRIES: Final = 4
_DUE: Final = """
    SELECT organization_id, departed_at < now() - %s FROM state.departed
    WHERE settled_at IS NULL AND (swept_at IS NULL OR departed_at < now() - %s)
    ORDER BY departed_at
"""
_SWEPT: Final = """
    UPDATE state.departed SET swept_at = coalesce(swept_at, now()),
        settled_at = CASE WHEN %s THEN now() END
    WHERE organization_id = %s
"""
_TABLES: Final = """
    SELECT c.table FROM system.columns c
    JOIN system.tables t ON t.database = c.database AND t.name = c.table
    WHERE c.database = currentDatabase() AND c.name = 'organization_id'
      AND t.engine LIKE '%MergeTree'
    ORDER BY 1
"""
_log = structlog.get_logger("leaving")


def sweep_postgres(connect: Connect, organization_id: UUID | str) -> int:
    """Delete every row of an organization that left; how many there were.

    Whoever has begun something for it may hold some of them: then it is tried again.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            with connect() as connection:
                connection.execute(_PATIENTLY)
                row = connection.execute(
                    "SELECT state.sweep_departed(%s)", (organization_id,)
                ).fetchone()
                return int(row[0]) if row else 0
        except psycopg.errors.DeadlockDetected:
            if not tries_left:
                raise
    return 0


def sweep_clickhouse(client: Client, organization_id: UUID | str) -> int:
    """Delete its rows in every table that has some, shadows included; how many there were."""
    total = 0
    for table in tables(client):
        if count := rows_in(client, table, organization_id):
            client.command(
                f"ALTER TABLE `{table}` DELETE WHERE organization_id = {{organization:UUID}}",
                parameters={"organization": str(organization_id)},
                settings={"mutations_sync": 1},
            )
            total += count
    return total


def tables(client: Client) -> list[str]:
    """Tables with rows of organizations, whatever is added later."""
    return [str(row[0]) for row in client.query(_TABLES).result_rows]


def rows_in(client: Client, table: str, organization_id: UUID | str) -> int:
    """How many rows of the organization a table has."""
    found = client.query(
        f"SELECT count() FROM `{table}` WHERE organization_id = {{organization:UUID}}",  # noqa: S608
        parameters={"organization": str(organization_id)},
    )
    return int(found.result_rows[0][0])


def sweep(connect: Connect, reach: Reach, settles: timedelta = SETTLES) -> int:
    """Sweep everywhere what is due; how many organizations are done with for good.

    `reach` gives a ClickHouse client.
    """
    with connect() as connection:
        due = connection.execute(_DUE, (settles, settles)).fetchall()
    if not due:
        return 0
    with reach() as client:
        for organization, settled in due:
            rows = sweep_postgres(connect, organization) + sweep_clickhouse(client, organization)
            with connect() as connection:
                connection.execute(_SWEPT, (settled, organization))
            _log.info("swept", organization_id=organization, rows=rows, settled=settled)
    return sum(settled for _, settled in due)


def run_sweeps(connect: Connect, reach: Reach, stop: threading.Event) -> None:
    """Sweep now and then until stopped. Outlives the stores."""
    while not stop.wait(EVERY):
        try:
            sweep(connect, reach)
        except Exception as error:  # noqa: BLE001 - a store is away: the next round does it
            _log.warning("not_swept", reason=str(error).splitlines()[:1])

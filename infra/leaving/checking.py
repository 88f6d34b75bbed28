"""Whether anything of an organization that left is still there: rows by table, and keys."""

from __future__ import annotations

from typing import Final

from clickhouse_connect.driver.client import Client
from psycopg import sql

from infra.bootstrap import Core
from infra.leaving.sweeping import rows_in, tables
from infra.postgres import Connection

_TABLES: Final = """
    SELECT n.nspname, c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
        AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY 1, 2
"""
_ROWS: Final = "SELECT count(*) FROM {} WHERE organization_id = %s"
_KEYS: Final = """
    SELECT count(*) FROM log.subject_keys WHERE organization_id = %s AND wrapped IS NOT NULL
"""
STAYS: Final = frozenset({"log.events", "log.subject_keys", "state.departed"})
"""Tables in which something stays: sealed events, ids without keys, and that it left."""


def leftovers(core: Core, client: Client, organization_id: str) -> dict[str, int]:
    """Place -> how much is left of the organization there; empty when it is gone everywhere.

    `client`: of ClickHouse.
    """
    with core.pool.connection() as connection:
        found = in_postgres(connection, organization_id)
    for table in tables(client):
        found[f"clickhouse:{table}"] = rows_in(client, table, organization_id)
    return {place: count for place, count in found.items() if count}


def in_postgres(connection: Connection, organization_id: str) -> dict[str, int]:
    """Place -> how much is left there; `connection` sees all organizations."""
    found: dict[str, int] = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        if f"{schema}.{table}" not in STAYS:
            query = sql.SQL(_ROWS).format(sql.Identifier(schema, table))
            row = connection.execute(query, (organization_id,)).fetchone()
            found[f"postgres:{schema}.{table}"] = int(row[0]) if row else 0
    keys = connection.execute(_KEYS, (organization_id,)).fetchone()
    found["keys"] = int(keys[0]) if keys else 0
    return found

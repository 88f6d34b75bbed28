"""What belongs to an organization, read from Postgres past all protection: ids, texts, state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, LiteralString

from psycopg import sql

from tests.support.api import Api
from tests.support.isolation.occupants import Occupant

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TABLES = """
    SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text)
        FILTER (WHERE a.atttypid = 'uuid'::regtype AND a.attname <> 'organization_id')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('log', 'state', 'views')
    GROUP BY 1 HAVING bool_or(a.attname = 'organization_id') ORDER BY 1
"""
FIRST = """
    SELECT {column} FROM {table}
    WHERE organization_id = %s AND {column} IS NOT NULL ORDER BY 1 LIMIT 1
"""
_ROWS = "SELECT to_jsonb(t)::text FROM {table} t WHERE organization_id = %s"
_EVENTS = "SELECT bytes, position FROM log.events WHERE organization_id = %s ORDER BY position"


@dataclass(frozen=True)
class Belongings:
    """One occupant's rows in every table that has an organization."""

    api: Api
    occupant: Occupant

    def query(self, query: str | sql.Composed, *params: Any) -> list[tuple[Any, ...]]:
        with self.api.worker.pool.connection() as connection:
            asked = query.encode() if isinstance(query, str) else query
            return connection.execute(asked, params).fetchall()

    @cached_property
    def tables(self) -> dict[str, list[str]]:
        """Table -> its columns that hold ids."""
        return {name: columns or [] for name, columns in self.query(_TABLES)}

    @property
    def state(self) -> dict[str, str]:
        """Table -> a hash of all its rows: the same as long as nothing of theirs changes."""
        hashes = "SELECT {name}, md5(string_agg(md5(t::text), '' ORDER BY md5(t::text)))"
        rows = hashes + " FROM {table} t WHERE organization_id = %(organization)s"
        parts = [named(rows, table, name=sql.Literal(table)) for table in self.tables]
        with self.api.worker.pool.connection() as connection:
            query = sql.SQL(" UNION ALL ").join(parts)
            return dict(connection.execute(query, {"organization": self.organization_id}))

    def tokens(self, words: str) -> set[str]:
        """Every id, hash and word in the rows and in the decoded events."""
        return {token for text in self._texts() for token in tokens_in(text, words)}

    def ids(self) -> list[str]:
        """One id of every kind there is, and the organization's own."""
        found = {self.organization_id}
        for table, columns in self.tables.items():
            for column in columns:
                first = named(FIRST, table, column=sql.Identifier(column))
                row = self.query(first, self.organization_id)
                found.update(row[0] if row else ())
        return sorted(found)

    @property
    def organization_id(self) -> str:
        return self.occupant.tenant.organization_id

    def _texts(self) -> Iterator[str]:
        for table in self.tables:
            yield from (row[0] for row in self.query(named(_ROWS, table), self.organization_id))
        worker = self.api.worker
        with worker.pool.connection() as connection:
            rows = connection.execute(_EVENTS, (self.organization_id,)).fetchall()
            for event in worker.codec.decode_batch(rows, worker.keys.on(connection)):
                yield f"{event.event_id} {event.correlation_id} {event.causation_id} {event.data}"


def named(query: LiteralString, table: str, **more: sql.Composable) -> sql.Composed:
    """The query about a table, given with its schema."""
    return sql.SQL(query).format(table=sql.Identifier(*table.split(".")), **more)


def tokens_in(text: str, words: str) -> set[str]:
    """Ids, long hexadecimal numbers and words that begin with one of `words` (a pattern)."""
    return set(re.findall(rf"{_UUID}|[0-9a-f]{{32,}}|(?:{words})\w+", text.lower()))

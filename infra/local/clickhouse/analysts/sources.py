"""What stands for each table: a query of one organization's rows, as text.

The condition is a PREWHERE: the engine then reads no other row, so that none can show itself in an
error or a count. With a WHERE it did: the optimizer may evaluate an analyst's condition first, and
`toUInt64(data)` then failed with the text of another organization's row. A view is replaced by its
definition, so that the same holds inside it.
"""

# ruff: noqa: S608 - every part of these texts is ours

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final
from uuid import UUID

from infra.local.clickhouse.analysts.catalogue import catalogue_query
from infra.local.clickhouse.analysts.dialect import write
from infra.local.clickhouse.analysts.rewriting import bind
from infra.local.clickhouse.analysts.tables import (
    OPEN,
    ORGANIZATION,
    STORED,
    VIEWS,
    definition,
    listed,
)
from infra.local.clickhouse.errors import UNKNOWN_TABLE, ClickHouseError
from projections.clickhouse.connect import DATABASE

_SOMEBODY: Final = "{organization}"


def source_of(organization: UUID, name: str, database: str) -> str:
    """The query for a table that an analyst names. Raises ClickHouseError."""
    if database == "system":
        return catalogue_query(name)
    if database in ("", DATABASE) and name in STORED:
        return _stored(name).replace(_SOMEBODY, str(organization))
    if database in ("", DATABASE) and name in VIEWS:
        return _view(name).replace(_SOMEBODY, str(organization))
    shown = f"{database}.{name}" if database else name
    raise ClickHouseError(UNKNOWN_TABLE, f"Unknown table `{shown[:80]}`. Analysts read {listed()}.")


@cache
def _stored(name: str) -> str:
    return (
        f'SELECT {_list(STORED[name])} FROM "{DATABASE}"."{name}"'
        f" PREWHERE \"{ORGANIZATION}\" = '{_SOMEBODY}'"
    )


@cache
def _view(name: str) -> str:
    query = definition(name)
    bind(query, _inside_a_view)
    return f'SELECT {_list(VIEWS[name])} FROM ({write(query)}) AS "{name}"'


def _inside_a_view(name: str, _database: str) -> str:
    if name in OPEN:
        return f'SELECT * FROM "{DATABASE}"."{name}"'
    return _stored(name) if name in STORED else _view(name)


def _list(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)

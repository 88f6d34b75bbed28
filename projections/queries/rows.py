"""How every query reads: plain dicts, ids as text, lists by page or behind a last item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

Row = dict[str, Any]
Conn = psycopg.Connection[Any]
Query = LiteralString | sql.SQL | sql.Composed


class QueryError(Exception):
    """A list was asked for in a way that does not exist; `field` is the query parameter."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list: `page` from 1, or what follows the item with the id `after`.

    `sort` is a column, with `-` in front for descending.
    """

    page: int = 1
    limit: int = 50
    after: str | None = None
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `next_after` is the last item's id while more follow."""

    items: list[Row]
    page: int
    limit: int
    total: int
    next_after: str | None


def fetch_all(conn: Conn, query: Query, params: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
    """All rows as dicts."""
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.adapters.register_loader("uuid", TextLoader)
        return cursor.execute(query, params).fetchall()


def fetch_one(conn: Conn, query: Query, params: Sequence[Any] | Mapping[str, Any]) -> Row | None:
    """The first row, or None."""
    rows = fetch_all(conn, query, params)
    return rows[0] if rows else None


@dataclass(frozen=True, slots=True)
class Listing:
    """A table that can be listed: what it shows, how it may be sorted and filtered.

    `table` may be a named subselect. Sort columns are never null. `narrowed` always holds.
    """

    table: sql.Composable
    sorts: tuple[str, ...]
    default_sort: str
    filters: frozenset[str]
    narrowed: LiteralString = "true"
    columns: tuple[str, ...] = ()


def list_page(conn: Conn, listing: Listing, filters: Mapping[str, Any], paging: Paging) -> Page:
    """One page of the rows that equal every filter that is not None.

    Raises QueryError for an unknown filter or sort, or a cursor that is no id.
    """
    _check_cursor(paging)
    where, params = _where(listing, filters)
    column, descending = _sort(listing, paging)
    counted = sql.SQL("SELECT count(*) AS total FROM {} WHERE {}").format(listing.table, where)
    total: int = fetch_all(conn, counted, params)[0]["total"]
    query = sql.SQL("SELECT {} FROM {} WHERE {} AND {} ORDER BY {} LIMIT %s OFFSET %s").format(
        sql.SQL(", ").join(map(sql.Identifier, listing.columns))
        if listing.columns
        else sql.SQL("*"),
        listing.table,
        where,
        _behind(listing, column, descending=descending) if paging.after else sql.SQL("true"),
        sql.SQL("{0} {1}, id {1}").format(
            sql.Identifier(column), sql.SQL("DESC" if descending else "ASC")
        ),
    )
    offset = 0 if paging.after else (paging.page - 1) * paging.limit
    behind = [paging.after] if paging.after else []
    items = fetch_all(conn, query, [*params, *behind, paging.limit + 1, offset])
    more = len(items) > paging.limit
    items = items[: paging.limit]
    return Page(items, paging.page, paging.limit, total, items[-1]["id"] if more else None)


def _check_cursor(paging: Paging) -> None:
    try:
        UUID(paging.after or "0" * 32)
    except ValueError:
        raise QueryError("after", "must be the next_after of an earlier page") from None


def _where(listing: Listing, filters: Mapping[str, Any]) -> tuple[sql.Composable, list[Any]]:
    unknown = sorted(set(filters) - listing.filters)
    if unknown:
        raise QueryError(unknown[0], f"filters are {', '.join(sorted(listing.filters))}")
    given = {name: value for name, value in filters.items() if value is not None}
    parts = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in given]
    return sql.SQL(" AND ").join([sql.SQL(listing.narrowed), *parts]), list(given.values())


def _sort(listing: Listing, paging: Paging) -> tuple[str, bool]:
    wanted = paging.sort or listing.default_sort
    column = wanted.removeprefix("-")
    if column not in listing.sorts:
        raise QueryError("sort", f"sort by {', '.join(listing.sorts)}, with - for descending")
    return column, wanted.startswith("-")


def _behind(listing: Listing, column: str, *, descending: bool) -> sql.Composable:
    return sql.SQL("({0}, id) {1} (SELECT {0}, id FROM {2} WHERE id = %s::uuid)").format(
        sql.Identifier(column), sql.SQL("<" if descending else ">"), listing.table
    )

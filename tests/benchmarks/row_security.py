"""row-security: pages of lists through the API's login beside a login that nothing binds.

Without a peer: both read the same rows of the same tables, page by page, each page in a transaction
of its own. The unbound login names the organization in the query, as an application without
row-level security would have to; the API's login sets it, and Postgres does the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from infra.postgres import Connection, make_pool, organization_transaction
from projections.queries.contacts import CONTACTS
from projections.queries.deliveries import DELIVERIES
from projections.queries.rows import Listing, Paging, list_page
from tests.benchmarks.bench import Bench, Benchmark, in_turns, median
from tests.benchmarks.report import Figure, Report, at_most
from tests.benchmarks.stores import Database, new_database

ORGANIZATIONS: Final = 20
PAIRS: Final = 9
_API, _UNBOUND = "the API's login", "unbound"
ABOUT = """Pages of 50 from lists of {rows:,} contacts and as many deliveries each, {count}
organizations in the tables; median of nine alternating pairs (lowest and highest in brackets)."""
_CONTACTS: Final = """
    INSERT INTO views.contacts
    SELECT gen_random_uuid(), o, sha256(convert_to(o || '/' || n, 'UTF8')),
        'person' || n || '@example.com', 'First' || n %% 500, 'Last' || n %% 900, 'UTC',
        '{"city": "Vienna"}', '{regular}', 'granted', 'form', now(), NULL, false, 'api',
        now() - n * interval '1 minute', now(), n, 1
    FROM generate_series(1, %s) AS n, unnest(%s::uuid[]) AS o
"""
_DELIVERIES: Final = """
    INSERT INTO views.deliveries (id, organization_id, campaign_id, step, contact_id, kind, state,
        accepted, refused, delivered, opened, clicked, bounced, complained, unsubscribed,
        intended_at, updated_at, position, version)
    SELECT gen_random_uuid(), organization_id, organization_id, 1, id, 'campaign', 'delivered',
        true, false, true, 1, 0, false, false, false, created_at, updated_at, position, 1
    FROM views.contacts
"""


def run(bench: Bench) -> Report:
    """Measure."""
    database = new_database(bench.services())
    rows, pages = (500, 20) if bench.quick else (5_000, 100)
    organization = _fill(database, rows)
    figures: list[Figure] = []
    with _pool(database.api_url) as bound, _pool(database.admin_url) as unbound:
        for name, listing, filters in (
            ("contacts", CONTACTS, {}),
            ("deliveries", DELIVERIES, {"campaign_id": str(organization)}),
        ):
            named = _named(listing, organization)
            ours = partial(_milliseconds, organization, filters, pages)
            contenders = {
                _API: partial(ours, bound, listing),
                _UNBOUND: partial(ours, unbound, named),
            }
            for warm in contenders.values():
                warm()
            times = in_turns(contenders, 1 if bench.quick else PAIRS, bench.say)
            figures += _figures(name, times)
    return Report(
        "row-security",
        "Row-level security",
        " ".join(ABOUT.format(rows=rows, count=ORGANIZATIONS).split()),
        figures,
    )


def _figures(name: str, times: dict[str, list[float]]) -> Iterator[Figure]:
    for login, values in times.items():
        yield Figure(f"a page of {name}, {login}", median(values), "ms", runs=tuple(values))
    ratios = [a / b for a, b in zip(times[_API], times[_UNBOUND], strict=True)]
    what = f"a page of {name}, {_API} / {_UNBOUND}"
    yield Figure(what, median(ratios), "times", at_most(1.1), runs=tuple(ratios))


def _fill(database: Database, rows: int) -> UUID:
    """Rows of several organizations; one of these."""
    organizations = [uuid4() for _ in range(ORGANIZATIONS)]
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(_CONTACTS, (rows, organizations))
        admin.execute(_DELIVERIES)
        admin.execute("VACUUM ANALYZE views.contacts, views.deliveries")
    return organizations[ORGANIZATIONS // 2]


@contextmanager
def _pool(url: str) -> Iterator[ConnectionPool[Connection]]:
    with make_pool(url, size=1, application="bench") as pool:
        yield pool


def _named(listing: Listing, organization: UUID) -> Listing:
    """The same list of a query that names the organization itself."""
    table = sql.SQL("(SELECT * FROM {} WHERE organization_id = {}::uuid) AS own").format(
        listing.table, sql.Literal(str(organization))
    )
    return replace(listing, table=table)


def _milliseconds(
    organization: UUID,
    filters: Mapping[str, str],
    pages: int,
    pool: ConnectionPool[Connection],
    listing: Listing,
) -> float:
    """Milliseconds a page."""
    began = time.perf_counter()
    for number in range(pages):
        with organization_transaction(pool, str(organization)) as connection:
            page = list_page(connection, listing, filters, Paging(page=1 + number % 10))
            assert len(page.items) == 50, "a wrong page must not count as a quick one"
    return (time.perf_counter() - began) / pages * 1000


BENCHMARK = Benchmark("row-security", "what row-level security costs on lists", run)

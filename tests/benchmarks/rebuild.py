"""rebuild: read models built anew beside the live ones, compared, and swapped under readers.

No peer: the limits are absolute. The log holds deliveries of campaigns; the largest Postgres view
and the ClickHouse table `events` are rebuilt by two processes, start of the processes, indexes and
hand-over included. A million rows are compared with as many. Swaps and rollbacks happen beside 50
reads a second; the same minute without them is the measure.
"""

from __future__ import annotations

import time
import uuid

import psycopg
from psycopg.sql import SQL, Identifier

from infra.local.secrets import ensure_secrets
from infra.rebuilding.analytics import AnalyticsDesk
from infra.rebuilding.desk import PostgresDesk
from infra.rebuilding.filling import AnalyticsAccess
from infra.rebuilding.workers import Access
from projections.clickhouse.connect import connect as connect_clickhouse
from projections.clickhouse.migrate import migrate
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, median, percentile
from tests.benchmarks.report import Figure, Report, at_least, at_most
from tests.benchmarks.stores import Database, fill_log, new_database
from tests.benchmarks.workload import ORGANIZATION, delivery_events
from tests.support.services import Services
from tests.support.swapping import Reading, reading

ABOUT = """500,000 delivery events in the log. Postgres: the deliveries view with its counters, from
the command to the shadow that follows, median of three. ClickHouse: the table `events`, the same.
Comparison: a million delivery rows with as many, five of them different. Swaps: ten swaps and ten
rollbacks in a minute of 50 reads a second; waits for locks as Postgres tells them."""
_NO_ROW = "SELECT * FROM views.deliveries LIMIT 0"
_MORE_ROWS = SQL("""
INSERT INTO {table} (id, {others})
SELECT md5(d.id::text || n)::uuid, {others}
FROM (SELECT * FROM views.deliveries ORDER BY id LIMIT %s) AS d, generate_series(1, %s) AS n
""")


def run(bench: Bench) -> Report:
    """Measure."""
    count, rounds, minute = (60_000, 1, 6.0) if bench.quick else (500_000, 3, 60.0)
    services = bench.services()
    database = new_database(services)
    bench.say(f"putting {count:,} events into the log")
    fill_log(database, delivery_events(count))
    master = ensure_secrets(bench.folder / "keys").master_key_file
    desk = PostgresDesk(Access(database.owner_url, master))
    postgres = [_postgres(desk, count, bench) for _ in range(rounds)]
    clickhouse = [_clickhouse(services, database, count, bench) for _ in range(rounds)]
    bench.say("comparing a million rows")
    seconds, found = _compare(desk, database, 20_000 if bench.quick else 1_000_000)
    quiet, swapped = _swaps(desk, services, database, minute, bench)
    p99 = percentile(swapped.took, 0.99)
    figures = [
        Figure("log to Postgres", median(postgres), "events/s", at_least(40_000), tuple(postgres)),
        Figure(
            "log to ClickHouse", median(clickhouse), "events/s", at_least(60_000), tuple(clickhouse)
        ),
        Figure("comparison of a million rows", seconds, "s", at_most(30)),
        Figure("of five differing rows not found", 5 - found, "rows", at_most(0)),
        Figure("reads that failed", len(swapped.failed), "reads", at_most(0)),
        Figure("longest wait for a lock", swapped.longest_wait_ms, "ms", at_most(50)),
        Figure("p99 of reads, with swaps", p99, "ms"),
        Figure("p99, with / without swaps", p99 / percentile(quiet.took, 0.99), "", at_most(1.5)),
    ]
    return Report("rebuild", "Rebuild", " ".join(ABOUT.split()), figures)


def _postgres(desk: PostgresDesk, count: int, bench: Bench) -> float:
    began = time.perf_counter()
    desk.rebuild("deliveries", shares=2)
    rate = count / (time.perf_counter() - began)
    bench.say(f"Postgres: {rate:,.0f} events/s")
    return rate


def _clickhouse(services: Services, database: Database, count: int, bench: Bench) -> float:
    name = f"bench_{uuid.uuid4().hex[:10]}"
    login = services.clickhouse_url, services.clickhouse_username, services.clickhouse_password
    with connect_clickhouse(*login, database=name) as client:
        migrate(client)
        desk = AnalyticsDesk(AnalyticsAccess(database.owner_url, login, name))
        began = time.perf_counter()
        desk.rebuild("clickhouse.events", shares=2)
        rate = count / (time.perf_counter() - began)
        rows = client.query("SELECT uniqExact(position) FROM shadow_events").result_rows[0][0]
        if rows != count:
            raise CannotMeasureError(f"the rebuilt table has {rows:,} events, not {count:,}")
        desk.discard("clickhouse.events")
        client.command(f"DROP DATABASE {name} SYNC")
    bench.say(f"ClickHouse: {rate:,.0f} events/s")
    return rate


def _compare(desk: PostgresDesk, database: Database, rows: int) -> tuple[float, int]:
    """Seconds, and how many of five planted differences were found."""
    desk.swap("deliveries")
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("INSERT INTO shadow.deliveries SELECT * FROM views.deliveries")
        admin.execute("INSERT INTO shadow.campaign_counters SELECT * FROM views.campaign_counters")
        there = admin.execute("SELECT count(*) FROM views.deliveries").fetchone()
        have = there[0] if there else 0
        base = max(1, min(have, 100_000))
        if more := max(0, rows - have) // base:
            _multiply(admin, base, more)
        admin.execute(
            "UPDATE shadow.deliveries SET opened = opened + 1"
            " WHERE id IN (SELECT id FROM views.deliveries ORDER BY id DESC LIMIT 5)"
        )
        admin.execute("VACUUM ANALYZE")
    began = time.perf_counter()
    found = desk.diff("deliveries")
    return time.perf_counter() - began, found.tables[0].different


def _multiply(admin: psycopg.Connection, base: int, times: int) -> None:
    """In both tables: the first `base` rows as many times more, each under an id of its own."""
    with admin.cursor() as cursor:
        columns = [each.name for each in cursor.execute(_NO_ROW).description or ()]
        others = SQL(", ").join(Identifier(name) for name in columns if name != "id")
        for schema in ("shadow", "views"):
            table = Identifier(schema, "deliveries")
            cursor.execute(_MORE_ROWS.format(table=table, others=others), (base, times))


def _swaps(
    desk: PostgresDesk, services: Services, database: Database, minute: float, bench: Bench
) -> tuple[Reading, Reading]:
    """A minute of reads without and with swaps."""
    with psycopg.connect(database.admin_url) as admin:
        row = admin.execute("SELECT campaign_id FROM views.campaign_counters LIMIT 1").fetchone()
    campaign = str(row[0]) if row else ""
    desk.rebuild("deliveries", shares=2)
    found = []
    for swapping in (False, True):
        bench.say(f"a minute of reads {'with' if swapping else 'without'} swaps")
        with reading(
            _api_url(services, database), database.admin_url, ORGANIZATION, campaign
        ) as seen:
            began = time.perf_counter()
            for number in range(20):
                if swapping:
                    desk.swap("deliveries", back=number % 2 == 1)
                time.sleep(max(0.0, began + (number + 1) * minute / 20 - time.perf_counter()))
        found.append(seen)
    return found[0], found[1]


def _api_url(services: Services, database: Database) -> str:
    name = database.owner_url.rsplit("/", 1)[1]
    return services.postgres_api_url.rsplit("/", 1)[0] + "/" + name


BENCHMARK = Benchmark("rebuild", "Read models rebuilt, compared and swapped", run)

"""clickhouse: Kafka to ClickHouse through the analytics writer, exactly one row per event.

No peer: the limit is absolute. A stream process of its own reads the delivery events from Kafka
into the real tables (each event is a row of `events` and one of `deliveries`), bounds and positions
in Postgres included. Time runs from the first record it gets until every row can be counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

from clickhouse_connect.driver.client import Client

from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, median
from tests.benchmarks.relay import relay_all
from tests.benchmarks.report import Figure, Report, at_least, at_most
from tests.benchmarks.stores import Database, fill_log, new_database, new_topics
from tests.benchmarks.workload import delivery_events
from tests.support.services import Services

ABOUT = """200,000 delivery events, each a row of `events` and one of `deliveries`, from the first
record the process gets until the last row can be counted; a process of its own and empty tables
each time; median of five."""
_TABLES = ("events", "deliveries")


def run(bench: Bench) -> Report:
    """Measure."""
    count, rounds = (40_000, 1) if bench.quick else (200_000, 5)
    services = bench.services()
    database, prefix = new_database(services), new_topics(services)
    bench.say(f"putting {count:,} events on Kafka")
    fill_log(database, delivery_events(count))
    relay_all(services, database, prefix, count)
    rates: list[float] = []
    processor: list[float] = []
    wrong = 0
    for _ in range(rounds):
        took, rows = _one_run(services, new_database(services), prefix, count)
        rates.append(count / took["seconds"])
        processor.append(took["processor"] / count * 1e6)
        wrong += sum(abs(count - found) for found in rows)
        bench.say(f"{rates[-1]:,.0f} events/s")
    figures = [
        Figure("Kafka to ClickHouse", median(rates), "events/s", at_least(60_000), tuple(rates)),
        Figure("processor time of the process", median(processor), "µs/event"),
        Figure("rows missing or doubled", wrong, "rows", at_most(0)),
    ]
    return Report("clickhouse", "ClickHouse", " ".join(ABOUT.split()), figures)


def _one_run(
    services: Services, database: Database, prefix: str, count: int
) -> tuple[dict[str, float], list[int]]:
    """What one run took, and how many rows each table then has."""
    name = f"bench_{uuid.uuid4().hex[:10]}"
    login = services.clickhouse_url, services.clickhouse_username, services.clickhouse_password
    with connect(*login, database=name) as client:
        migrate(client)
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.contenders.analytics",
             services.kafka_bootstrap, database.worker_url, prefix, *login, name, str(count)],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode != 0 or not done.stdout:
            raise CannotMeasureError(f"analytics failed: {done.stderr[-2000:]}")
        rows = [_count(client, table) for table in _TABLES]
        client.command(f"DROP DATABASE {name} SYNC")
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return took, rows


def _count(client: Client, table: str) -> int:
    found: int = client.query(f"SELECT count() FROM {table}").result_rows[0][0]  # noqa: S608
    return found


BENCHMARK = Benchmark("clickhouse", "Kafka to ClickHouse", run)

"""projection: Kafka to Postgres, the real deliveries view, in stock Faust, ours and Quix Streams.

All fold the same Avro events with the same fold and the same writer into the same tables; what
differs is how events come from Kafka and how they are grouped. Each contender is a process of its
own (tests/benchmarks/contenders); its time runs from the first record it gets to the commit of the
last, its rows and counters are compared with the others'. The library's ProjectionRunner, which
reads no Kafka, is reported beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, in_turns, median
from tests.benchmarks.quix_environment import QUIX, quix_python
from tests.benchmarks.relay import relay_all
from tests.benchmarks.report import Figure, Report, at_least
from tests.benchmarks.stores import Database, fill_log, new_database, new_topics
from tests.benchmarks.workload import delivery_events
from tests.support.services import Services

_CHECKOUT = Path(__file__).parents[2]
_FAUST, _OURS, _QUIX = "stock Faust", "ours", f"Quix Streams {QUIX}"
_RUNNER = "eventsourcing ProjectionRunner (not from Kafka)"
_EMPTY = "TRUNCATE views.deliveries, views.campaign_counters, state.positions"
_CONTENT = """
SELECT (SELECT md5(string_agg(d::text, '' ORDER BY id)) FROM views.deliveries AS d),
       (SELECT md5(string_agg(c::text, '' ORDER BY campaign_id)) FROM views.campaign_counters AS c)
"""
ABOUT = """100,000 delivery events, Avro decoded, folded and stored with the position by the same
writer, at most 2,000 of a partition in a transaction; from the first record a process gets to its
last commit; median of five alternating runs. All end with the same rows. The others commit offsets
to Kafka besides and may store an event twice after a crash; ours keeps its position with the
rows."""


@dataclass
class Course:
    """Where the contenders run."""

    services: Services
    database: Database
    prefix: str
    count: int
    contents: set[Any] = field(default_factory=set)
    processor: dict[str, list[float]] = field(default_factory=dict)

    def rate(self, name: str, module: str, python: str = sys.executable) -> float:
        """Events a second of one run on empty tables."""
        self._empty()
        took = _contend(python, module, self.database.worker_url, self, self.count)
        self.processor.setdefault(name, []).append(took["processor"] / self.count * 1e6)
        with psycopg.connect(self.database.admin_url) as connection:
            self.contents.add(connection.execute(_CONTENT).fetchone())
        return self.count / took["seconds"]

    def runner_rate(self, count: int) -> float:
        """The same of the ProjectionRunner, which needs tables of its own."""
        self._empty()
        module = "library_runner"
        took = _contend(sys.executable, module, self.database.admin_url, self, count)
        return count / took["seconds"]

    def _empty(self) -> None:
        with psycopg.connect(self.database.admin_url, autocommit=True) as connection:
            connection.execute(_EMPTY)
            connection.execute("CHECKPOINT")


def run(bench: Bench) -> Report:
    """Measure."""
    count, rounds = (20_000, 1) if bench.quick else (100_000, 5)
    quix = quix_python(bench.keep, bench.say)
    services = bench.services()
    database, prefix = new_database(services), new_topics(services)
    bench.say(f"putting {count:,} events on Kafka")
    fill_log(database, delivery_events(count))
    relay_all(services, database, prefix, count)
    course = Course(services, database, prefix, count)
    rates = in_turns(
        {
            _FAUST: partial(course.rate, _FAUST, "stock_faust"),
            _OURS: partial(course.rate, _OURS, "ours"),
            _QUIX: partial(course.rate, _QUIX, "quix", str(quix)),
        },
        rounds,
        bench.say,
    )
    if len(course.contents) != 1:
        raise CannotMeasureError("the contenders did not end with the same rows")
    runner = course.runner_rate(count // 20)
    return Report(
        "projection", "Projection", " ".join(ABOUT.split()), _figures(rates, course, runner)
    )


def _figures(rates: dict[str, list[float]], course: Course, runner: float) -> list[Figure]:
    figures = [
        Figure(name, median(values), "events/s", runs=tuple(values))
        for name, values in rates.items()
    ]
    ours = median(rates[_OURS])
    return [
        *figures,
        Figure(_RUNNER, runner, "events/s"),
        Figure("ours / stock Faust", ours / median(rates[_FAUST]), "times", at_least(2)),
        Figure("ours / Quix Streams", ours / median(rates[_QUIX]), "times", at_least(1)),
        *(
            Figure(f"processor time of the process, {name}", median(values), "µs/event")
            for name, values in course.processor.items()
        ),
    ]


def _contend(
    python: str, module: str, postgres_url: str, course: Course, count: int
) -> dict[str, float]:
    """Run one contender to its end: its seconds, and its processor seconds."""
    group = f"{course.prefix}{module}-{uuid.uuid4().hex[:8]}"
    done = subprocess.run(
        [python, "-m", f"tests.benchmarks.contenders.{module}", course.services.kafka_bootstrap,
         postgres_url, course.prefix, group, str(count)],
        env={**os.environ, "PYTHONPATH": str(_CHECKOUT)},
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    if done.returncode != 0 or not done.stdout:
        raise CannotMeasureError(f"{module} failed: {done.stderr[-2000:]}")
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return took


BENCHMARK = Benchmark("projection", "Kafka to Postgres, beside stock Faust and Quix Streams", run)

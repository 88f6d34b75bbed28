"""append: one event a commit, `eventsourcing`'s own Postgres recorder beside ours.

Peer: `PostgresApplicationRecorder` as shipped (LOCK TABLE ... IN EXCLUSIVE MODE, pipelined), each
insert a transaction of its own. Ours: `LogRecorder`, each insert a transaction of its own too; and
once more inside a transaction of the caller's, as commands do it, for which the library has no
counterpart. All store the same bytes under new stream ids, from threads of one process, as an API
would, on pools of ready connections. Counted besides: whether a reader that tails the log by
position sees every event.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from infra.event_store import LogEvent, LogRecorder
from infra.postgres import connect, prepare_connection
from tests.benchmarks.bench import Bench, Benchmark, in_turns, median
from tests.benchmarks.report import Figure, Report, at_least, at_most
from tests.benchmarks.stores import Database, new_database
from tests.benchmarks.workload import ORGANIZATION, delivery_events

WRITERS = 8


@dataclass(frozen=True)
class Contender:
    """A way to store one event in a commit of its own, and the log's query for a tail."""

    store: Callable[[], None]
    tail: str
    count: str


ABOUT = """One event a commit, the same bytes, writers as threads of one process, median of five
alternating runs (lowest and highest in brackets). "In a caller's transaction" adds BEGIN and COMMIT
as statements of their own, as a command does. The tail reads by position while eight writers append
as fast as they can."""
_STOCK, _OURS, _CALLERS = "eventsourcing", "ours", "ours in a caller's transaction"


def run(bench: Bench) -> Report:
    """Measure."""
    database = new_database(bench.services())
    seconds, rounds = (1.0, 1) if bench.quick else (3.0, 5)
    with _stock(database) as stock, recorder(database) as ours, _callers(database) as callers:
        contenders = {_STOCK: stock, _OURS: ours, _CALLERS: callers}
        rates = in_turns(
            {
                f"{name}, {writers} writer{'s' * (writers > 1)}": partial(
                    writes_per_second, contender.store, writers, seconds
                )
                for writers in (1, WRITERS)
                for name, contender in contenders.items()
            },
            rounds,
            bench.say,
        )
        missed = {
            name: _missed_by_tail(database, contenders[name], seconds) for name in (_STOCK, _OURS)
        }
    return Report("append", "Append", " ".join(ABOUT.split()), _figures(rates, missed))


def _figures(rates: dict[str, list[float]], missed: dict[str, tuple[int, int]]) -> list[Figure]:
    figures = [
        Figure(what, median(values), "events/s", runs=tuple(values))
        for what, values in rates.items()
    ]
    for writers, target in (("1 writer", None), (f"{WRITERS} writers", at_least(1.8))):
        ratio = median(rates[f"{_OURS}, {writers}"]) / median(rates[f"{_STOCK}, {writers}"])
        figures.append(Figure(f"{_OURS} / {_STOCK}, {writers}", ratio, "times", target))
    for name, (lost, total) in missed.items():
        target = at_most(0) if name == _OURS else None
        what = f"missed by a tail of {total:,} events, {name}"
        figures.append(Figure(what, lost, "events", target))
    return figures


@contextmanager
def _stock(database: Database) -> Iterator[Contender]:
    """The library's recorder in a schema of its own."""
    at = conninfo_to_dict(database.admin_url)
    datastore = PostgresDatastore(
        *(str(at[part]) for part in ("dbname", "host", "port", "user", "password")),
        pool_size=WRITERS,
        max_overflow=2,
    )
    try:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        event = delivery_events(1)[0]

        def store() -> None:
            recorder.insert_events([StoredEvent(uuid4(), 1, event.type, event.value)])

        yield Contender(
            store,
            "SELECT notification_id FROM public.stored_events WHERE notification_id > %s"
            " ORDER BY notification_id LIMIT 2000",
            "SELECT count(*) FROM public.stored_events WHERE notification_id > %s",
        )
    finally:
        datastore.close()


@contextmanager
def recorder(database: Database) -> Iterator[Contender]:
    """Our recorder; the insert is the transaction."""
    with _pool(database, autocommit=True) as contender:
        yield contender


@contextmanager
def _callers(database: Database) -> Iterator[Contender]:
    """Our recorder as the last statement of a transaction that somebody else began."""
    with _pool(database, autocommit=False) as contender:
        yield contender


@contextmanager
def _pool(database: Database, *, autocommit: bool) -> Iterator[Contender]:
    event = delivery_events(1)[0]
    with ConnectionPool(
        database.worker_url,
        min_size=WRITERS,
        max_size=WRITERS + 2,
        configure=prepare_connection,
        kwargs={"autocommit": autocommit},
    ) as pool:

        def store() -> None:
            with pool.connection() as connection:
                stored = LogEvent(uuid4(), 1, event.type, event.value, ORGANIZATION)
                LogRecorder(connection).insert_events([stored])

        yield Contender(
            store,
            "SELECT position FROM log.events WHERE position > %s ORDER BY position LIMIT 2000",
            "SELECT count(*) FROM log.events WHERE position > %s",
        )


def writes_per_second(store: Callable[[], None], writers: int, seconds: float) -> float:
    """Commits a second."""
    store()  # statements prepared, connections made
    with _writing(store, writers) as done:
        time.sleep(0.3)
        began, before = time.perf_counter(), sum(done)
        time.sleep(seconds)
        return (sum(done) - before) / (time.perf_counter() - began)


@contextmanager
def _writing(store: Callable[[], None], writers: int) -> Iterator[list[int]]:
    """So many writers at work; how much each has done so far. Raises what a writer raised."""
    stop = threading.Event()
    done = [0] * writers
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            while not stop.is_set():
                store()
                done[number] += 1
        except BaseException as error:  # noqa: BLE001 - raised by the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _ratio(rates: dict[str, list[float]], writers: str) -> float:
    return median(rates[f"ours, {writers}"]) / median(rates[f"eventsourcing, {writers}"])


def _missed_by_tail(database: Database, contender: Contender, seconds: float) -> tuple[int, int]:
    """Events that a tailing reader never saw while eight writers appended, of how many."""
    with connect(database.admin_url, autocommit=True) as reader:
        at = start = 0
        while rows := reader.execute(contender.tail, (at,)).fetchall():
            at = start = rows[-1][0]
        seen = 0
        with _writing(contender.store, WRITERS):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                rows = reader.execute(contender.tail, (at,)).fetchall()
                seen += len(rows)
                at = rows[-1][0] if rows else at
        while rows := reader.execute(contender.tail, (at,)).fetchall():
            seen += len(rows)
            at = rows[-1][0]
        ((total,),) = reader.execute(contender.count, (start,)).fetchall()
    return total - seen, total


BENCHMARK = Benchmark("append", "one event a commit, beside eventsourcing's recorder", run)

"""visible: how long after its append an event is in the read model, and in ClickHouse.

No peer: the limits are absolute. The whole product runs; new deliveries are appended to its log at
a steady rate, one a commit. A watcher asks each store for those that it has not found yet: the
read model every 4 ms, ClickHouse, where a query costs more, every 100 ms. The figures include up
to one interval of asking and the query itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from infra.event_log import NewEvent, append
from infra.postgres import connect
from projections.clickhouse.connect import connect as connect_clickhouse
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, percentile
from tests.benchmarks.processes import pids_by_role, watched
from tests.benchmarks.report import Figure, Report, Target, at_most
from tests.benchmarks.workload import intended
from tests.support.whole_stack import WholeStack

RATE = 100
_PATIENCE = 30.0
_ASKED = 100
"""How many, the oldest first, a query asks for at most: a second's worth."""
ABOUT = f"""{RATE} new deliveries a second for a minute, one a commit, the whole product running;
from the return of the commit until a query of the store finds it. The read model is asked
every 4 ms, ClickHouse every 100 ms. Before it, 20 seconds at the same rate that are not counted."""
Find = Callable[[Sequence[str]], set[str]]
"""Which of these deliveries a store has."""


class Watcher:
    """Asks one store, again and again, for what it has not found yet."""

    def __init__(self, find: Find, every: float) -> None:
        self._find = find
        self._every = every
        self._waiting: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._failure: Exception | None = None
        self.delays: list[float] = []
        self._thread.start()

    def expect(self, delivery: str) -> None:
        """It was committed just now."""
        with self._lock:
            self._waiting[delivery] = time.perf_counter()

    def finish(self) -> list[float]:
        """Seconds each one took, once all are found. Raises CannotMeasureError when some never."""
        until = time.monotonic() + _PATIENCE
        while self._waiting and time.monotonic() < until and self._thread.is_alive():
            time.sleep(0.05)
        self._stop.set()
        self._thread.join()
        if self._waiting:
            why = "" if self._failure is None else f": {self._failure}"
            raise CannotMeasureError(f"{len(self._waiting)} events never became visible{why}")
        return self.delays

    def _watch(self) -> None:
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 - said by finish
            self._failure = error

    def _ask(self) -> None:
        while not self._stop.wait(self._every):
            with self._lock:
                wanted = list(self._waiting)[:_ASKED]
            found = self._find(wanted) if wanted else set()
            now = time.perf_counter()
            with self._lock:
                self.delays += [now - self._waiting.pop(each) for each in found]


def run(bench: Bench) -> Report:
    """Measure."""
    seconds = 10 if bench.quick else 60
    with bench.product("visible") as stack:
        _delays(stack, intended(RATE * 20))  # below nothing is used for the first time
        with watched(pids_by_role(stack), every=2) as usage:
            view, analytics = _delays(stack, intended(RATE * seconds, seed=2))
    figures = [
        *_percentiles("read model", view, (None, at_most(100), at_most(200))),
        *_percentiles("ClickHouse", analytics, (None, None, None)),
    ]
    notes = [
        f"{len(view):,} events. Processor, shares of one core: {usage.shares()}.",
        f"Both cores together, the benchmark included, were {usage.machine_share():.0f} % full.",
    ]
    return Report("visible", "Append to visible", " ".join(ABOUT.split()), figures, notes)


def _percentiles(
    store: str, delays: list[float], targets: tuple[Target | None, ...]
) -> list[Figure]:
    shares = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    return [
        Figure(f"{store}, {name}", percentile(delays, share) * 1000, "ms", target)
        for (name, share), target in zip(shares, targets, strict=True)
    ]


def _delays(stack: WholeStack, events: Sequence[NewEvent]) -> tuple[list[float], list[float]]:
    """Append at the rate; how long each event took to be in the view, and in ClickHouse."""
    at = stack.addresses
    login = at.clickhouse_url, at.clickhouse_username, at.clickhouse_password
    with (
        connect(at.postgres_worker_url, autocommit=True) as log,
        connect(at.postgres_worker_url, autocommit=True) as view,
        connect_clickhouse(*login) as analytics,
    ):

        def in_view(wanted: Sequence[str]) -> set[str]:
            query = "SELECT id::text FROM views.deliveries WHERE id = ANY(%s::uuid[])"
            return {row[0] for row in view.execute(query, (list(wanted),))}

        def in_clickhouse(wanted: Sequence[str]) -> set[str]:
            ids = ", ".join(f"'{each}'" for each in wanted)
            query = f"SELECT delivery_id FROM deliveries WHERE delivery_id IN ({ids})"  # noqa: S608
            found = analytics.query(query).result_rows
            return {str(row[0]) for row in found}

        watchers = Watcher(in_view, 0.004), Watcher(in_clickhouse, 0.1)
        began = time.perf_counter()
        for number, event in enumerate(events):
            time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            append(log, [event])
            for watcher in watchers:
                watcher.expect(event.stream_id)
        view_delays, analytics_delays = [watcher.finish() for watcher in watchers]
        return view_delays, analytics_delays


BENCHMARK = Benchmark("visible", "append to visible in both stores, 100 events/s", run)

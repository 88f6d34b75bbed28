"""start: how long a warm `nudge up --detach` takes, and what each role holds in memory.

No peer: the limits are absolute. Warm: the same data folder was up before and stopped cleanly. The
memory is that of a stack that was started and has done nothing but one organization's creation.
"""

from __future__ import annotations

import time

from tests.benchmarks.bench import Bench, Benchmark, median
from tests.benchmarks.processes import memory_of, pids_by_role, watched
from tests.benchmarks.report import Figure, Report, at_most

ABOUT = """`nudge up --detach` on a folder that was up before, until every role is ready; median of
three. Memory (resident, children included) after one organization was created, idle."""
_LIMITS = {"clickhouse": 700, "kafka": None, "postgres": None}
_PYTHON = 400
_SETTLED = 5.0


def run(bench: Bench) -> Report:
    """Measure."""
    rounds = 1 if bench.quick else 3
    seconds: list[float] = []
    with bench.product("start") as stack:
        stack.new_tenant()
        for _ in range(rounds):
            stack.nudge("down")
            began = time.perf_counter()
            stack.nudge("up", "--detach", "--no-demo")
            seconds.append(time.perf_counter() - began)
            bench.say(f"ready after {seconds[-1]:.1f} s")
        stack.new_tenant()
        pids = pids_by_role(stack)
        time.sleep(_SETTLED)
        memory = {role: memory_of(pid) for role, pid in pids.items()}
        with watched(pids) as idle:
            time.sleep(_SETTLED)
    figures = [Figure("warm start", median(seconds), "s", at_most(25), tuple(seconds))]
    for role, megabytes in memory.items():
        limit = _LIMITS.get(role, _PYTHON)
        target = None if limit is None else at_most(limit)
        figures.append(Figure(f"memory, {role}", megabytes, "MB", target))
    notes = [
        "Kafka's heap is limited to 512 MB by its start command; the rest of it is the JVM's.",
        f"Processor when nothing happens, shares of one core: {idle.shares()}.",
    ]
    return Report("start", "Start and memory", " ".join(ABOUT.split()), figures, notes)


BENCHMARK = Benchmark("start", "a warm start, and memory by role", run)

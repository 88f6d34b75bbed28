"""limits: what counting one request costs, with as many callers as a busy process has.

Limit: 0.1 ms a request. Beside it the same counting over the library's storage as shipped, which
looks through every counter a hundred times a second.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import cycle
from types import SimpleNamespace
from typing import cast
from uuid import UUID

from limits.storage import MemoryStorage

from api.limiting import Limiter
from api.ports import RateLimits, Services
from infra.settings import Settings
from tests.benchmarks.bench import Bench, Benchmark, in_turns, median, percentile
from tests.benchmarks.report import Figure, Report, at_most

ABOUT = """One request of an API key: its network address, the key and its organization, each with
burst and rate at the default settings, and the headers of the answer; callers take turns. Median of
the requests of a run, and of five alternating runs (lowest and highest in brackets)."""
CALLERS = 10_000
_OURS, _SHIPPED = "counting a request", "over the library's storage as shipped"
_LIMIT = 0.1


def run(bench: Bench) -> Report:
    """Measure."""
    requests, rounds = (5_000, 1) if bench.quick else (50_000, 5)
    slowest: list[float] = []
    contenders = {
        _OURS: partial(_median_ms, _limiter(shipped=False), requests, slowest),
        _SHIPPED: partial(_median_ms, _limiter(shipped=True), requests, []),
    }
    values = in_turns(contenders, rounds, bench.say)
    figures = [
        Figure(_OURS, median(values[_OURS]), "ms", at_most(_LIMIT), tuple(values[_OURS])),
        Figure("the slowest in a hundred", median(slowest), "ms", None, tuple(slowest)),
        Figure(_SHIPPED, median(values[_SHIPPED]), "ms", None, tuple(values[_SHIPPED])),
    ]
    notes = [f"{CALLERS:,} callers, each from an address of its own, in one process."]
    return Report("limits", "Rate limits", " ".join(ABOUT.split()), figures, notes)


def _limiter(*, shipped: bool) -> Limiter:
    settings = Settings.model_construct()
    rates = RateLimits(
        settings.limit_key, settings.limit_user, settings.limit_organization, settings.limit_address
    )
    limiter = Limiter(cast("Services", SimpleNamespace(rates=rates)))
    if shipped:
        limiter.storage = MemoryStorage()
    return limiter


def _median_ms(limiter: Limiter, requests: int, slowest: list[float]) -> float:
    """The median of single requests, in milliseconds; notes the 99th percentile."""
    callers = [
        (f"198.51.{n // 250}.{n % 250}", UUID(int=n % 100), UUID(int=n)) for n in range(CALLERS)
    ]
    taken: list[float] = []
    for _, (address, organization, key) in zip(range(requests), cycle(callers), strict=False):
        began = time.perf_counter()
        limiter.take_address(address)
        limiter.take_caller(organization, key, None)
        taken.append((time.perf_counter() - began) * 1000)
    slowest.append(percentile(taken, 0.99))
    return median(taken)


BENCHMARK = Benchmark("limits", "counting requests against rate limits", run)

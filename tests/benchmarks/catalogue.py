"""Every benchmark by its name, in the order in which `nudge bench` runs them."""

from __future__ import annotations

from tests.benchmarks import (
    access,
    append,
    audit,
    backup,
    clickhouse,
    contacts,
    encryption,
    limits,
    login,
    projection,
    rebuild,
    relay,
    reply,
    row_security,
    send,
    start,
    visible,
    why,
)
from tests.benchmarks.bench import Benchmark

BENCHMARKS: dict[str, Benchmark] = {
    module.BENCHMARK.name: module.BENCHMARK
    for module in (
        append,
        audit,
        relay,
        projection,
        clickhouse,
        rebuild,
        visible,
        contacts,
        row_security,
        reply,
        send,
        login,
        start,
        why,
        backup,
        encryption,
        access,
        limits,
    )
}

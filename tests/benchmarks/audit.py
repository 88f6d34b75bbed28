"""audit: what the Merkle tree costs an append, and how long a proof takes at ten million leaves.

The appends are those of the benchmark `append`: one event a commit by our recorder, eight writers
as threads of one process. In every other run a keeper works beside them, in a process of its own
as in the product. The tree of ten million leaves is made of random leaf hashes, tile by tile with
the keeper's own functions; only the events that are proven stand in the log.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil

from domain.audit.merkle import HASH, TILE, Place, grown, open_tiles
from infra.audit.checking import check_log
from infra.audit.keeper import BATCH
from infra.audit.proving import prove_event, prove_growth
from infra.audit.tree import grow, sign_if_due, state_of
from infra.postgres import Connection, connect
from infra.signing import Signer
from tests.benchmarks.append import WRITERS, recorder, writes_per_second
from tests.benchmarks.bench import Bench, Benchmark, median, percentile
from tests.benchmarks.report import Figure, Report, at_most
from tests.benchmarks.stores import Database, fill_log, new_database, new_topics
from tests.benchmarks.workload import delivery_events
from tests.support.services import Services

LEAVES = 10_000_000
PROOFS = 500
SEED = b"b" * 32
APPLICATION = "nudge-tree"
ABOUT = """Appends with and without the tree kept beside them: the same bytes, eight writers as
threads of one process, one event a commit; nine pairs, the order in each the other way round than
in the one before. The loss is that of a pair; median (lowest and highest). Processor time: the
keeper's process and its connection in Postgres, beside the writers' process and theirs; on a full
machine appends lose that much. Lag: the oldest event
not in the tree, asked four times a second while the writers write. Proofs: of random positions, on
a tree of ten million leaves that was built, not extrapolated; database, path and JSON document
included, without starting a process."""
KEEPER = """
import functools, pathlib, sys, threading
from infra.audit.anchors import HeadsTopic
from infra.audit.keeper import TreeKeeper
from infra.postgres import connect
from infra.signing import Signer
url, folder, bootstrap, prefix = sys.argv[1:]
TreeKeeper(
    functools.partial(connect, url, autocommit=True, application="nudge-tree"), Signer(b"b" * 32),
    pathlib.Path(folder) / "heads.ndjson", HeadsTopic(bootstrap, prefix),
).run(threading.Event())
"""


def run(bench: Bench) -> Report:
    """Measure."""
    services = bench.services()
    figures = _appends(bench, services)
    figures += _whole_log(new_database(services), 20_000 if bench.quick else 200_000)
    figures += _proofs(new_database(services), LEAVES // (100 if bench.quick else 1), bench)
    return Report("audit", "Audit", " ".join(ABOUT.split()), figures)


def _appends(bench: Bench, services: Services) -> list[Figure]:
    database, prefix = new_database(services), new_topics(services)
    seconds, pairs = (1.0, 1) if bench.quick else (3.0, 9)
    rates: dict[bool, list[float]] = {True: [], False: []}
    lags: list[float] = []
    used: list[float] = []
    appending = 0.0
    with recorder(database) as contender:
        for number in range(pairs):
            for kept in (True, False) if number % 2 else (False, True):
                if not kept:
                    rates[kept].append(writes_per_second(contender.store, WRITERS, seconds))
                    continue
                with _keeper(database, services, prefix, bench.folder) as keeper:
                    writers = [psutil.Process(), *_backends(database, "")]
                    tree = [keeper, *_backends(database, APPLICATION)]
                    before = _processor(writers), _processor(tree)
                    with _lag(database) as lag:
                        rates[kept].append(writes_per_second(contender.store, WRITERS, seconds))
                    lags.append(max(lag))
                    appending += _used_since(before[0], _processor(writers))
                    used.append(_used_since(before[1], _processor(tree)))
            bench.say(f"pair {number + 1}: {rates[False][-1]:,.0f} and {rates[True][-1]:,.0f}")
    losses = [100 * (1 - kept / bare) for bare, kept in zip(rates[False], rates[True], strict=True)]
    runs = tuple(losses)
    return [
        Figure("appends, no tree", median(rates[False]), "events/s", runs=tuple(rates[False])),
        Figure("appends, tree kept", median(rates[True]), "events/s", runs=tuple(rates[True])),
        Figure("lost to the tree", median(losses), "%", at_most(5), runs),
        Figure(
            "processor time of tree / of appending", 100 * sum(used) / appending, "%", at_most(5)
        ),
        Figure("lag of the tree, longest", max(lags), "s", at_most(10)),
    ]


@contextmanager
def _keeper(
    database: Database, services: Services, prefix: str, folder: Path
) -> Iterator[psutil.Process]:
    """A keeper at work that has caught up."""
    arguments = [database.worker_url, str(folder), services.kafka_bootstrap, prefix]
    with (
        subprocess.Popen([sys.executable, "-c", KEEPER, *arguments]) as process,
        connect(database.worker_url, autocommit=True) as connection,
    ):
        try:
            pause = threading.Event()
            while _behind(connection) is not None:
                pause.wait(0.1)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def _backends(database: Database, application: str) -> list[psutil.Process]:
    """Postgres's processes for connections of this name."""
    with connect(database.admin_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND pid <> pg_backend_pid()",
            (application,),
        ).fetchall()
    assert rows
    return [psutil.Process(pid) for (pid,) in rows]


def _processor(processes: list[psutil.Process]) -> dict[int, float]:
    """Seconds of a core that each has used so far; a pool may have closed a connection."""
    used = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system
    return used


def _used_since(before: dict[int, float], after: dict[int, float]) -> float:
    return sum(used - before[pid] for pid, used in after.items())


def _behind(connection: Connection) -> float | None:
    """Age of the oldest event that is not in the tree, in seconds; None when all are."""
    row = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float FROM log.events"
        " WHERE position > (SELECT position FROM log.tree) ORDER BY position LIMIT 1"
    ).fetchone()
    return row[0] if row else None


@contextmanager
def _lag(database: Database) -> Iterator[list[float]]:
    """Samples of the lag while something runs."""
    samples = [0.0]
    done = threading.Event()

    def sample() -> None:
        with connect(database.worker_url, autocommit=True) as connection:
            while not done.wait(0.25):
                samples.append(_behind(connection) or 0.0)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def _whole_log(database: Database, count: int) -> list[Figure]:
    """A log that is taken in from nothing, then checked."""
    fill_log(database, delivery_events(count))
    with connect(database.worker_url, autocommit=True) as connection:
        state = state_of(connection)
        assert state is not None
        began = time.perf_counter()
        while state.size < count:
            with connection.transaction():
                state = grow(connection, state, BATCH)
        taken = time.perf_counter() - began
        signer = Signer(SEED)
        sign_if_due(connection, state, signer, 0.0)
        began = time.perf_counter()
        outcome = check_log(connection, [], {signer.public_key}, lambda _count: None)
        checked = time.perf_counter() - began
    assert (outcome.findings, outcome.events, outcome.heads) == ([], count, 1)
    return [
        Figure(f"a log of {count:,} events taken into the tree", count / taken, "events/s"),
        Figure("the same checked (nudge audit verify)", count / checked, "events/s"),
    ]


def _proofs(database: Database, leaves: int, bench: Bench) -> list[Figure]:
    bench.say(f"making a tree of {leaves:,} leaves")
    rng = random.Random(5)
    positions = rng.sample(range(1, leaves + 1), PROOFS)
    with connect(database.owner_url, autocommit=True) as connection:
        _make_tree(connection, leaves)
        _make_events(connection, positions)
        events = [_milliseconds(partial(prove_event, connection, at)) for at in positions]
        size = connection.execute(
            "SELECT pg_total_relation_size('log.tree_tiles')::float"
        ).fetchone() or (0.0,)
        growth = [
            _milliseconds(lambda: prove_growth(connection, leaves // 3, leaves)) for _ in range(50)
        ]
    name = f"at {leaves:,} leaves"
    return [
        Figure(f"inclusion proof {name}, median", median(events), "ms"),
        Figure(f"inclusion proof {name}, 99 of 100", percentile(events, 0.99), "ms", at_most(20)),
        Figure(f"consistency proof {name}, median", statistics.median(growth), "ms"),
        Figure("the tree on disk", size[0] / leaves, "bytes a leaf"),
    ]


def _make_tree(connection: Connection, leaves: int) -> None:
    """Tiles of random leaf hashes, at positions 1, 2, ...; heads at a third and at the end."""
    upper: dict[Place, bytes] = {}
    size = 0
    signer = Signer(SEED)
    for target in (leaves // 3, leaves):
        while size < target:
            count = min(TILE * TILE, target - size)
            edge = {place: upper[place] for place in open_tiles(size)}
            tiles = grown(size, edge, os.urandom(count * HASH))
            upper |= {(tile.level, tile.number): tile.hashes for tile in tiles}
            size += count
            upper = _store_full_leaves(connection, upper)
        for (level, number), hashes in upper.items():
            _store(connection, level, number, hashes)
        connection.execute("UPDATE log.tree SET size = %s, position = %s", (size, size))
        state = state_of(connection)
        assert state is not None
        assert sign_if_due(connection, state, signer, 0.0) is not None


def _store_full_leaves(connection: Connection, tiles: dict[Place, bytes]) -> dict[Place, bytes]:
    """Store what will not change any more at level 0; the rest."""
    full = {at for at, held in tiles.items() if at[0] == 0 and len(held) == TILE * HASH}
    with connection.transaction():
        for level, number in sorted(full):
            _store(connection, level, number, tiles[level, number])
    return {at: held for at, held in tiles.items() if at not in full}


def _store(connection: Connection, level: int, number: int, hashes: bytes) -> None:
    first = number * TILE + 1
    positions = list(range(first, first + len(hashes) // HASH)) if level == 0 else None
    connection.execute(
        "INSERT INTO log.tree_tiles (level, number, hashes, positions) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (level, number) DO UPDATE"
        " SET hashes = excluded.hashes, positions = excluded.positions",
        (level, number, hashes, positions),
    )


def _make_events(connection: Connection, positions: list[int]) -> None:
    connection.execute(
        "INSERT INTO log.events (position, stream_id, version, type, organization_id, bytes,"
        " recorded_at) OVERRIDING SYSTEM VALUE SELECT p, gen_random_uuid(), 1, 'ContactAdded',"
        " gen_random_uuid(), decode(repeat('5e', 400), 'hex'), now() FROM unnest(%s::bigint[]) p",
        (positions,),
    )
    connection.execute("ANALYZE log.events")
    connection.execute("ANALYZE log.tree_tiles")


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


BENCHMARK = Benchmark("audit", "appends with the Merkle tree kept beside them, and proofs", run)

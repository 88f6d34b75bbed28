"""A rebuild that is killed goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import psutil

from projections.rebuild.errors import BusyError
from tests.benchmarks.workload import delivery_events
from tests.support.rebuilding import Models


def start(world: Models) -> subprocess.Popen[bytes]:
    given = {
        "owner_url": world.access.owner_url,
        "key_file": str(world.access.master_key_file),
        "view": "deliveries",
        "shares": 2,
        "span": 500,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.rebuilding", json.dumps(given)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def built(world: Models) -> int:
    row = world.conn.execute("SELECT sum(position) FROM state.rebuild_parts").fetchone()
    return int(row[0] or 0) if row else 0


def test_kills_in_the_middle_lose_nothing_and_double_nothing(world: Models) -> None:
    events = delivery_events(30_000)
    world.append(events)
    world.live()
    reached = [0]
    for _ in range(2):
        process = start(world)
        while built(world) < reached[-1] + 15_000 and process.poll() is None:
            time.sleep(0.005)
        reached.append(built(world))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
    desk = world.desk()
    said: list[str] = []
    first = desk.status()[0][0].id

    made = desk.rebuild("deliveries", say=said.append)

    assert made.id == first, "the rebuild was begun anew"
    assert "going on with the rebuild that was begun" in said
    assert reached == sorted(set(reached)), "a kill came after the end"
    assert reached[-1] < 60_000
    assert desk.diff("deliveries").same
    desk.swap("deliveries")


def test_when_the_command_is_killed_its_workers_leave_the_shares_alone(world: Models) -> None:
    world.append(delivery_events(30_000))
    world.live()
    process = start(world)
    while built(world) < 5_000:
        time.sleep(0.005)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)  # only the parent: its workers are orphans now
    process.wait(60)

    desk, deadline, done = world.desk(), time.monotonic() + 60, False
    while not done and time.monotonic() < deadline:
        with contextlib.suppress(BusyError):  # an orphan may still be in the middle of a range
            desk.rebuild("deliveries")
            done = True

    assert done
    assert desk.diff("deliveries").same
    assert workers
    assert psutil.wait_procs(workers, timeout=20)[1] == []

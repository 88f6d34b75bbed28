"""The process: what survives it, how fast it stops, and how it says that it cannot start."""
# ruff: noqa: S608 - the statements are these tests' own

from __future__ import annotations

import json
import signal
import stat
import threading
import time
from pathlib import Path

import httpx
import psutil

from tests.integration.clickhouse_door.conftest import Server, free_port

MEMORY_LIMIT = 700 * 1024 * 1024


def count(server: Server) -> int:
    return int(str(server.client().command("SELECT count() FROM nudge.t")))


def test_acknowledged_inserts_survive_kill_9(own_server: Server) -> None:
    own_server.client().command("CREATE TABLE nudge.t (a UInt64) ENGINE = MergeTree ORDER BY a")
    acknowledged = 0
    killer = threading.Timer(1.0, own_server.signal, [signal.SIGKILL])
    killer.start()
    with own_server.http() as http:
        try:
            while http.post("", content=f"INSERT INTO nudge.t VALUES ({acknowledged})").is_success:
                acknowledged += 1
        except httpx.TransportError:
            killer.join()
    own_server.start()
    assert acknowledged > 20
    assert count(own_server) in {acknowledged, acknowledged + 1}


def test_sigterm_stops_soon_and_keeps_everything(own_server: Server) -> None:
    client = own_server.client()
    client.command("CREATE TABLE nudge.t (a UInt64) ENGINE = MergeTree ORDER BY a")
    client.insert("nudge.t", [[n] for n in range(1000)], column_names=["a"])
    before = time.monotonic()
    assert own_server.signal(signal.SIGTERM) == 0
    assert time.monotonic() - before < 10
    own_server.start()
    assert count(own_server) == 1000


def test_a_query_that_will_not_end_does_not_hold_up_the_stop(own_server: Server) -> None:
    def ask() -> None:
        with own_server.http() as http:
            try:
                http.post("", content="SELECT count() FROM numbers(10000000000000)")
            except httpx.TransportError:
                return

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    before = time.monotonic()
    assert own_server.signal(signal.SIGTERM) == 0
    assert time.monotonic() - before < 10
    asking.join()


def test_memory_stays_below_its_limit_after_a_million_rows(server: Server) -> None:
    client = server.client()
    client.command("CREATE TABLE nudge.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    for start in range(0, 1_000_000, 100_000):
        rows = [[n, f"some text of event {n}"] for n in range(start, start + 100_000)]
        client.insert("nudge.t", rows, column_names=["a", "b"])
    assert server.process is not None
    assert count(server) == 1_000_000
    assert psutil.Process(server.process.pid).memory_info().rss < MEMORY_LIMIT


def test_the_folder_is_for_its_owner_only(server: Server) -> None:
    mode = (server.data_dir / "clickhouse").stat().st_mode
    assert stat.S_IMODE(mode) == 0o700


def test_a_second_process_says_in_one_line_why_it_cannot_start(server: Server) -> None:
    second = Server(server.data_dir, server.port)
    assert second.spawn().wait(60) == 2
    reason = json.loads(second.log.read_text().splitlines()[-1])["metadata"]["reason"]
    assert f"port {server.port} is not free" in reason
    assert "NUDGE_CLICKHOUSE_PORT" in reason


def test_a_missing_password_is_named(tmp_path: Path) -> None:
    server = Server(tmp_path, free_port())
    assert server.spawn().wait(60) == 2
    reason = json.loads(server.log.read_text().splitlines()[-1])["metadata"]["reason"]
    assert "clickhouse_password" in reason

"""The embedded engine: one folder, one connection per call, results and counts.

A connection is a session: what a statement SETs or USEs ends with it. Opening one costs about 0.3
ms, so every call gets its own, and nothing can leak from one query to the next. One more is kept
open for as long as the engine runs, because the engine stops with its last connection.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from infra.local.clickhouse.errors import UNKNOWN_DATABASE_CODE, ClickHouseError, from_engine

HOME_DATABASE = "nudge"
STORE = "store"
CONFIG = "server.xml"
# For two cores and under 700 MB with everything else running beside it.
_SERVER_SETTINGS = {
    "max_server_memory_usage": 450_000_000,
    "mark_cache_size": 16_777_216,
    "index_mark_cache_size": 4_194_304,
    "uncompressed_cache_size": 0,
    "mmap_cache_size": 64,
    "compiled_expression_cache_size": 8_388_608,
    "background_pool_size": 2,
    "background_schedule_pool_size": 4,
    "background_common_pool_size": 2,
    "background_fetches_pool_size": 1,
    "background_move_pool_size": 1,
    "background_message_broker_schedule_pool_size": 1,
    "background_distributed_schedule_pool_size": 1,
    "max_thread_pool_size": 200,
}
_QUERY_DEFAULTS = {
    "max_execution_time": "60",
    "max_memory_usage": "300000000",
    "max_result_bytes": "64000000",
    "max_bytes_before_external_group_by": "100000000",
    "max_bytes_before_external_sort": "100000000",
    # An acknowledged insert is a written part, and its deduplication token names one block.
    "async_insert": "0",
}


class EngineStartError(Exception):
    """The engine cannot open its folder; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """One statement to run. `data` are the rows of an INSERT whose `sql` ends before FORMAT."""

    sql: str
    format: str
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    data: Iterable[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the formatted result and what ClickHouse's summary header counts."""

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_seconds: float = 0.0


class Engine:
    """The engine over `folder`. `run` blocks and may be called from several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Prepares the folder, mode 0700, and opens it. Raises EngineStartError.

        The process moves into the folder: the engine reads its start arguments from a connection
        string, in which the characters of an arbitrary path could not be told apart.
        """
        self._running = 0
        self._idle = threading.Condition()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        os.chdir(folder)
        Path(CONFIG).write_text(_server_config())
        self._address = f"{STORE}?config-file={CONFIG}"
        try:
            self._keeper = chdb.connect(self._address)  # type: ignore[no-untyped-call, unused-ignore]
            self._keeper.query(f"CREATE DATABASE IF NOT EXISTS {HOME_DATABASE}", "TSV")
        except Exception as error:
            raise EngineStartError(_start_failure(folder, str(error))) from error

    def close(self, wait_seconds: float) -> bool:
        """Releases the folder once no call is running; False when one still is."""
        with self._idle:
            if not self._idle.wait_for(lambda: self._running == 0, wait_seconds):
                return False
        self._keeper.close()
        return True

    def table_functions(self) -> frozenset[str]:
        """Every table function that this build of the engine has."""
        found = self._keeper.query("SELECT name FROM system.table_functions", "TSV").bytes()
        return frozenset(found.decode().split())

    def version(self) -> str:
        """The engine's version, as `version()` gives it."""
        return str(self._keeper.query("SELECT version()", "TSV").bytes().decode().strip())

    def run(self, call: Call) -> Answer:
        """Runs one statement in a session of its own. Raises ClickHouseError."""
        with self._idle:
            self._running += 1
        try:
            return self._run_in_session(call)
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _run_in_session(self, call: Call) -> Answer:
        connection = chdb.connect(self._address)  # type: ignore[no-untyped-call, unused-ignore]
        try:
            _prepare(connection, call)
            if call.data is None:
                return _query(connection, call)
            return _insert(connection, call.sql, call.format, call.data)
        except ClickHouseError:
            raise
        except Exception as error:
            raise from_engine(str(error)) from error
        finally:
            connection.close()


def _prepare(connection: Any, call: Call) -> None:
    settings = {**_QUERY_DEFAULTS, **call.settings}
    if call.read_only:
        settings["readonly"] = "2"
    _use(connection, call.database or HOME_DATABASE)
    if call.data is not None:
        settings |= {f"param_{name}": value for name, value in call.params.items()}
    pairs = ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
    connection.query(f"SET {pairs}", "TSV")


def _use(connection: Any, database: str) -> None:
    try:
        connection.query(f"USE `{database}`", "TSV")
    except Exception as error:
        dropped = from_engine(str(error)).code == UNKNOWN_DATABASE_CODE
        if not (dropped and database == HOME_DATABASE):
            raise
        connection.query(f"CREATE DATABASE IF NOT EXISTS `{database}`", "TSV")
        connection.query(f"USE `{database}`", "TSV")


def _query(connection: Any, call: Call) -> Answer:
    result = connection.query(call.sql, call.format, params=dict(call.params) or None)
    return Answer(
        body=result.bytes(),
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        elapsed_seconds=result.elapsed(),
    )


def _insert(connection: Any, head: str, data_format: str, data: Iterable[bytes]) -> Answer:
    with connection.send_insert(head, data_format) as inserter:
        for chunk in data:
            inserter.append(chunk)
        done = inserter.finish()
    return Answer(
        read_rows=done.rows_written,
        read_bytes=done.bytes_written,
        written_rows=done.rows_written,
        written_bytes=done.bytes_written,
        elapsed_seconds=done.elapsed,
    )


def quoted(value: str) -> str:
    """`value` as a string literal; the engine turns it into the type it needs."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _server_config() -> str:
    lines = (f"    <{name}>{value}</{name}>" for name, value in _SERVER_SETTINGS.items())
    return "\n".join(["<clickhouse>", *lines, "</clickhouse>", ""])


def _start_failure(folder: Path, reason: str) -> str:
    if "Cannot lock file" in reason:
        return f"the folder {folder} is in use by another process; stop that one first"
    return f"the ClickHouse engine cannot open {folder}: {reason.splitlines()[0]}"

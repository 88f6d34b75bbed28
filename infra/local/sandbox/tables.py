"""The sandbox's SQLite file: its tables, and one thread that owns the connection."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# WAL with synchronous=NORMAL: what is committed survives the death of the process
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA cache_size=-32000",
    "PRAGMA busy_timeout=5000",
)
_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS servers (id INTEGER PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS suppressions (
    server_id INTEGER NOT NULL, stream TEXT NOT NULL, address TEXT NOT NULL,
    reason TEXT NOT NULL, origin TEXT NOT NULL, created_at REAL NOT NULL,
    PRIMARY KEY (server_id, stream, address)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY AUTOINCREMENT, messages BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE,
    server_id INTEGER NOT NULL, stream TEXT NOT NULL, handling TEXT NOT NULL,
    body INTEGER NOT NULL, body_index INTEGER NOT NULL, accepted_at REAL NOT NULL,
    sender TEXT NOT NULL, subject TEXT NOT NULL, tag TEXT NOT NULL, recipients BLOB NOT NULL,
    metadata BLOB NOT NULL, track_opens INTEGER NOT NULL, track_links TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS terms (
    field TEXT NOT NULL, value TEXT NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (field, value, message)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals (
    id INTEGER PRIMARY KEY, server_id INTEGER NOT NULL, stream TEXT NOT NULL,
    recipient TEXT NOT NULL, code INTEGER NOT NULL, metadata BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server_id INTEGER NOT NULL, stream TEXT NOT NULL,
    message INTEGER, recipient TEXT NOT NULL, record_type TEXT NOT NULL, due_at REAL NOT NULL,
    happened INTEGER NOT NULL DEFAULT 0, details BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS events_due ON events (due_at) WHERE happened = 0;
CREATE INDEX IF NOT EXISTS events_message ON events (message);
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server_id INTEGER NOT NULL, webhook INTEGER,
    url TEXT, record_type TEXT NOT NULL, body BLOB, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS posts_due ON posts (due_at) WHERE state = 'pending';
"""


def connect(path: Path | str) -> sqlite3.Connection:
    """The file, made when missing, with every table; transactions are begun by hand."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    connection.executescript(_TABLES)
    return connection


class Database:
    """Runs functions of a connection one after another, each as one transaction.

    SQLite has one writer anyway; a thread of its own keeps the event loop free meanwhile.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-db")
        self._connection = connect(path)

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The work as one transaction on the calling thread; only before the loop runs."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The work as one transaction, committed when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.run_now, work)

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self._connection.close()

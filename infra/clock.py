"""The time by which timers and schedules run: real, or moved ahead on the embedded stack."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from infra.postgres import Connection

_EVERY = 0.5
_log = structlog.get_logger()


class MovableClock:
    """`datetime.now(UTC)` plus what `nudge dev advance` has added, as of half a second ago."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool
        self._ahead = timedelta()
        self._stop = threading.Event()

    def __call__(self) -> datetime:
        """The time; asks nobody."""
        return datetime.now(UTC) + self._ahead

    def __enter__(self) -> MovableClock:
        """Keep looking how far the clock was moved."""
        self.look()
        threading.Thread(target=self._follow, name="clock", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _follow(self) -> None:
        while not self._stop.wait(_EVERY):
            self.look()

    def look(self) -> None:
        """Ask how far it was moved."""
        try:
            with self._pool.connection(timeout=2) as connection:
                row = connection.execute("SELECT ahead FROM state.clock").fetchone()
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("the clock keeps its last setting", reason=str(error))
            return
        self._ahead = row[0] if row else timedelta()

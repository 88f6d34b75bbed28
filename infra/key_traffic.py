"""API keys beside their requests: last uses written down now and then, changes told at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final, Self
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from infra.postgres import Connection

EVERY: Final = 5.0
"""Seconds between two writings: one statement, however many keys were used how often."""
_log = structlog.get_logger("api.keys")
_NOTE = "SELECT state.note_key_uses(%s::uuid[], %s::uuid[], %s::timestamptz[])"


class PostgresKeyTraffic:
    """The API's KeyTraffic. Thread-safe. Inside the block uses are written down."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._uses: dict[UUID, tuple[UUID, datetime]] = {}
        self._calls: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="key-uses", daemon=True)

    def used(self, organization_id: UUID, key_id: UUID, now: datetime) -> None:
        """Note a use."""
        with self._lock:
            self._uses[key_id] = organization_id, now

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this whenever some key may have changed."""
        self._calls.append(call)

    def changed(self) -> None:
        """Some key may have changed: told by a notification, or after having been deaf."""
        for call in self._calls:
            call()

    def write(self) -> None:
        """Write down the uses since the last time; those that could not be are kept."""
        with self._lock:
            uses, self._uses = self._uses, {}
        if not uses:
            return
        keys = sorted(uses)
        try:
            with self._pool.connection(timeout=2) as connection:
                connection.execute(
                    _NOTE, (keys, [uses[key][0] for key in keys], [uses[key][1] for key in keys])
                )
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("uses of keys are written down later", reason=str(error))
            with self._lock:
                self._uses = {**uses, **self._uses}

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self.write()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(3)
        self.write()

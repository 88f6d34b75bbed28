"""API keys beside their requests: uses written down now and then, changes told at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final, Self
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.security.events import Fact
from domain.security.recording import record_once
from domain.shared.errors import DomainError, UnavailableError
from domain.shared.meta import Meta
from infra.postgres import Connection
from infra.transactions import CommandLog, PostgresTransaction

EVERY: Final = 5.0
"""Seconds between two writings: one statement, however many keys were used how often."""
_log = structlog.get_logger("api.keys")
_NOTE = "SELECT state.note_key_uses(%s::uuid[], %s::uuid[], %s::timestamptz[])"


class PostgresKeyTraffic:
    """The API's KeyTraffic. Thread-safe. Inside the block uses are written down: the last one of
    each key, and the first one of each day as a security event."""

    def __init__(self, pool: ConnectionPool[Connection], log: CommandLog) -> None:
        self._pool = pool
        self._log = log
        self._told: dict[UUID, date] = {}
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
            self._record(uses)
        except (psycopg.Error, PoolTimeout, UnavailableError) as error:
            _log.warning("uses of keys are written down later", reason=str(error))
            with self._lock:
                self._uses = {**uses, **self._uses}

    def _record(self, uses: Mapping[UUID, tuple[UUID, datetime]]) -> None:
        """The first use of a key on a day as a security event, whichever process saw it."""
        for key_id, (organization_id, at) in uses.items():
            if self._told.get(key_id) == at.date():
                continue
            try:
                self._log.run(organization_id, _recording(organization_id, key_id, at))
            except DomainError as error:  # the next use tries again
                _log.warning("a use of a key is not recorded", key=str(key_id), reason=str(error))
            else:
                self._told[key_id] = at.date()

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


def _recording(
    organization_id: UUID, key_id: UUID, at: datetime
) -> Callable[[PostgresTransaction], bool]:
    cause = uuid4()
    meta = Meta(organization_id, f"key:{key_id}", cause, cause, at)
    fact = Fact("key_used", str(key_id))
    return lambda tx: record_once(tx, fact, meta, at.date().isoformat())

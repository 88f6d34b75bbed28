"""Who an analyst is: the login's organization, looked up by the hash of its password."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import psycopg

from infra.local.clickhouse.errors import NETWORK_ERROR, ClickHouseError
from infra.postgres import Connection
from infra.settings import SettingsError

USERNAME: Final = re.compile(r"analyst_([0-9a-f]{32})")
_KEPT: Final = 1.0
"""Seconds an answer is believed: a revocation takes effect within a second."""
_MOST: Final = 10_000


class AnalystLogins:
    """Looks logins up in Postgres, and remembers each for a second, also those that are none.

    `connect` gives autocommit connections; one is kept open. Thread-safe; blocks.
    """

    def __init__(
        self, connect: Callable[[], Connection], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._known: dict[tuple[str, bytes], tuple[float, UUID | None]] = {}

    def organization_of(self, username: str, password: str) -> UUID | None:
        """The organization of a login that is in use. Raises ClickHouseError without Postgres."""
        named = USERNAME.fullmatch(username)
        if named is None:
            return None
        key = named[1], hashlib.sha256(password.encode()).digest()
        with self._lock:
            known = self._known.get(key)
            if known and self._clock() - known[0] < _KEPT:
                return known[1]
            found = self._look_up(*key)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = self._clock(), found
            return found

    def _look_up(self, analyst: str, secret_hash: bytes) -> UUID | None:
        for attempt in (1, 2):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                row = self._connection.execute(
                    "SELECT state.find_analyst(%s, %s)", (UUID(analyst), secret_hash)
                ).fetchone()
                return UUID(row[0]) if row and row[0] else None
            except (psycopg.Error, SettingsError):
                self._forget()
                if attempt == 2:
                    break
        raise ClickHouseError(NETWORK_ERROR, "Logins cannot be checked now; try again later.")

    def _forget(self) -> None:
        """The connection may have died with Postgres; the next look-up opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

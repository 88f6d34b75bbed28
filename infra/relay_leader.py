"""Which relay leads: a session lock in Postgres that a dead or frozen leader loses."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psycopg
from prometheus_client import Gauge

from infra.postgres import connect

LAG_EVENTS = Gauge("nudge_relay_lag_events", "Positions of the log that are not on Kafka yet.")
LAG_SECONDS = Gauge("nudge_relay_lag_seconds", "Age of the oldest event that is not on Kafka yet.")

_LOCK_CLASS = 7302  # beside the append's lock 7301, in the key space of two integers
_HEARTBEAT = 0.5
_STANDBY_AFTER = 4.0
_EXIT_CODE = 70
_LAG = """
SELECT (SELECT max(position) FROM log.events) - %(position)s,
       (SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float FROM log.events
        WHERE position > %(position)s ORDER BY position LIMIT 1)
"""


class LeadershipLostError(Exception):
    """Postgres has ended the session that holds the lock."""


class Leadership:
    """The advisory lock of one relay id, held as long as this process shows that it is alive.

    A frozen process keeps its connection, so the lock's session has an idle timeout and a thread
    that speaks more often than that. When the session is gone another relay may already lead:
    Kafka refuses what this one writes, and the heartbeat ends the process.
    """

    def __init__(
        self,
        postgres_url: str,
        name: str,
        timeout: float,
        end_process: Callable[[str], None] | None = None,
    ) -> None:
        """`end_process` is called with the reason when the lock is lost; by default it exits."""
        self._connection = connect(postgres_url, autocommit=True, application="nudge-relay")
        self._connection.execute(
            "SELECT set_config('idle_session_timeout', %s, false)", (f"{int(timeout * 1000)}ms",)
        )
        self._name = name
        self._end_process = end_process or exit_at_once
        self._closing = threading.Event()
        self._lost: str | None = None
        self._position: Callable[[], int] | None = None
        self._thread = threading.Thread(target=self._beat, name="relay-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._connection.close()

    def acquire(self, stop: threading.Event, on_standby: Callable[[], None]) -> bool:
        """Wait for the lock; False when stopped first. `on_standby`: another relay leads."""
        asked_since = time.monotonic()
        standing_by = False
        while not stop.is_set():
            row = self._connection.execute(
                "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK_CLASS, self._name)
            ).fetchone()
            if row and row[0]:
                self._thread.start()
                return True
            if not standing_by and time.monotonic() - asked_since > _STANDBY_AFTER:
                standing_by = True
                on_standby()
            stop.wait(0.2)
        return False

    def check(self) -> None:
        """Raises LeadershipLostError when the heartbeat has found the session gone."""
        if self._lost is not None:
            raise LeadershipLostError(self._lost)

    def report_lag(self, position: Callable[[], int]) -> None:
        """From now on measure how far the position of `position()` is behind the log."""
        self._position = position

    def _beat(self) -> None:
        while not self._closing.wait(_HEARTBEAT):
            try:
                self._speak()
            except psycopg.Error as error:
                if not self._closing.is_set():
                    self._lost = " ".join(str(error).split())
                    self._end_process(f"relay: lost its lock in Postgres: {self._lost}")
                return

    def _speak(self) -> None:
        if self._position is None:
            self._connection.execute("SELECT 1")
            return
        row = self._connection.execute(_LAG, {"position": self._position()}).fetchone()
        events, seconds = row or (None, None)
        LAG_EVENTS.set(max(events or 0, 0))
        LAG_SECONDS.set(seconds or 0.0)


def exit_at_once(reason: str) -> None:
    """End the process without any cleaning up: whatever it still holds is no longer its own."""
    sys.stderr.write(reason + "\n")
    sys.stderr.flush()
    os._exit(_EXIT_CODE)

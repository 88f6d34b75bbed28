"""NOTIFY from Postgres as a call: workers wake by it and not by polling."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import psycopg
import structlog
from psycopg import sql

from infra.postgres import connect

_log = structlog.get_logger()


class Wakeups:
    """Listens on channels in a thread; connects again when Postgres was away.

    What was notified meanwhile is not known, so after every connecting each channel is called.
    """

    def __init__(self, url: str, channels: Mapping[str, Callable[[], None]]) -> None:
        self._url = url
        self._channels = channels
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wakeups", daemon=True)

    def __enter__(self) -> Wakeups:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(3)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                _log.warning("cannot listen", reason=str(error).splitlines()[:1])
                self._stop.wait(1)

    def _listen(self) -> None:
        with connect(self._url, autocommit=True, application="nudge-wakeups") as connection:
            for channel, call in self._channels.items():
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                call()
            while not self._stop.is_set():
                for notification in connection.notifies(timeout=0.5, stop_after=1):
                    self._channels[notification.channel]()

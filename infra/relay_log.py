"""Reading the event log behind a position, as fast as Postgres gives it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from infra.postgres import connect

LogRow = tuple[int, bytes, bytes, bytes, bytes]
"""Position, stream id, type, organization id, value; all but the position as bytes."""

# The running size keeps a batch of large events small. Sizes are known without reading the values.
_READ = """
SELECT position, stream_id::text, type, organization_id::text, bytes
FROM (
  SELECT *, sum(octet_length(bytes)) OVER (ORDER BY position) - octet_length(bytes) AS before
  FROM (SELECT position, stream_id, type, organization_id, bytes FROM log.events
        WHERE position > %s ORDER BY position LIMIT %s) AS next
) AS sized
WHERE before < %s
ORDER BY position
"""


class _AsBytes(Loader):
    """Texts go to Kafka as bytes: decoding them would only be undone."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class LogReader:
    """The log in order of position, and a way to wait for more. For one thread."""

    def __init__(self, postgres_url: str, batch: int, batch_bytes: int) -> None:
        self._rows = connect(postgres_url, autocommit=True, application="nudge-relay")
        self._wakeups = connect(postgres_url, autocommit=True, application="nudge-relay")
        self._wakeups.execute("LISTEN nudge_events")
        self._cursor = self._rows.cursor(binary=True)
        self._cursor.adapters.register_loader("text", _AsBytes)
        self._batch = batch
        self._batch_bytes = batch_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.close()
        self._wakeups.close()

    def read(self, after: int) -> list[LogRow]:
        """The next events behind a position, at least one when there is one."""
        self._cursor.execute(_READ, (after, self._batch, self._batch_bytes))
        return self._cursor.fetchall()

    def last_position(self) -> int:
        """The highest position of the log, 0 when it is empty."""
        row = self._rows.execute("SELECT max(position) FROM log.events").fetchone()
        return row[0] or 0 if row else 0

    def wait(self, seconds: float) -> None:
        """Until something was appended, or so long."""
        for _ in self._wakeups.notifies(timeout=seconds, stop_after=1):
            pass

"""A log, its live read models, and the desk that rebuilds them, without Kafka between."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.event_log import MOST_EVENTS, NewEvent, append
from infra.keys import SubjectKeys
from infra.master_keys import MasterKeys
from infra.postgres import Connection, connect, make_pool
from infra.rebuilding.desk import PostgresDesk
from infra.rebuilding.workers import Access
from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from projections.postgres.writer import ProjectionWriter, tables_of
from schemas.codec import Codec, Event
from schemas.registry import default_registry
from tests.conftest import Database
from tests.support.histories import encode, history
from tests.support.log_batches import LogBatches

_KEY = b"k" * 32


@dataclass
class Models:
    """Read models kept as the projections keep them. `conn` is the worker's, in autocommit."""

    database: Database
    access: Access
    conn: Connection
    writer: ProjectionWriter
    codec: Codec
    batches: LogBatches = field(init=False)

    def __post_init__(self) -> None:
        self.batches = LogBatches(self.conn)

    def append(self, events: Iterable[NewEvent]) -> None:
        """Put events into the log."""
        events = list(events)
        for first in range(0, len(events), MOST_EVENTS):
            append(self.conn, events[first : first + MOST_EVENTS])

    def append_history(self, seed: int, streams: int = 60) -> None:
        """Put a mixed history of all kinds of streams into the log, with keys for its subjects."""
        self.append(as_new(self.codec, history(random.Random(seed), streams)))

    def live(self) -> int:
        """Fold what is new into the live tables, and into shadows that follow."""
        return self.batches.pump(self.writer)

    def desk(self, *views: View[Any]) -> PostgresDesk:
        """The desk; with `views`, one that has these folds in place of those of the same name."""
        names = {view.name for view in views}
        return PostgresDesk(
            self.access, (*(view for view in ALL_VIEWS if view.name not in names), *views)
        )

    def rows(self, view: View[Any], schema: str = "views") -> dict[str, list[tuple[Any, ...]]]:
        """The rows of a view's tables, sorted."""
        return {
            table: sorted(
                self.conn.execute(f"SELECT * FROM {schema}.{table}").fetchall(),  # noqa: S608
                key=str,
            )
            for table in tables_of(view.name)
        }


def as_new(codec: Codec, events: Iterable[Event]) -> list[NewEvent]:
    """Events ready to append."""
    return [
        NewEvent(e.stream_id, e.version, e.type, e.organization_id, encode(codec, e))
        for e in events
    ]


@contextmanager
def models(database: Database, folder: Path, views: tuple[View[Any], ...] = ()) -> Iterator[Models]:
    """Read models of a fresh database; `views` replace folds of the same name in the live ones."""
    names = {view.name for view in views}
    kept = (*(view for view in ALL_VIEWS if view.name not in names), *views)
    master = folder / "master.key"
    master.write_text("ab" * 32)
    codec = Codec(default_registry(), random.Random(7).randbytes)
    pool = make_pool(database.worker_url, size=4, application="projections")
    # Everybody's key is the one with which the histories are sealed.
    keys = SubjectKeys(
        MasterKeys.of_file(master, os.urandom), pool.connection, lambda size: _KEY[:size]
    )
    conn = connect(database.worker_url, autocommit=True)
    writer = ProjectionWriter(pool.connection, codec, _MakesKeys(keys, conn), views=kept)
    yield Models(database, Access(database.owner_url, master), conn, writer, codec)
    conn.close()
    pool.close()


class _MakesKeys:
    """A key ring in which whoever is asked for gets the histories' key, for good."""

    def __init__(self, keys: SubjectKeys, conn: Connection) -> None:
        self._keys, self._conn = keys, conn

    def keys_of(self, subjects: Iterable[str]) -> Any:
        """Keys of all of them."""
        wanted = dict.fromkeys(subjects, "00000000-0000-0000-0000-000000000001")
        return self._keys.ensure(self._conn, wanted) if wanted else {}


def main() -> None:
    """JSON of owner_url, key file, view, shares and span: rebuild in a process to be killed."""
    given = json.loads(sys.argv[1])
    desk = PostgresDesk(Access(given["owner_url"], Path(given["key_file"])))
    os.write(1, b"ready\n")
    desk.rebuild(given["view"], shares=given["shares"], span=given["span"])


if __name__ == "__main__":
    main()

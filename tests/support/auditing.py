"""A log with a tree for tests: events of any bytes, a keeper that works when told to."""

from __future__ import annotations

import functools
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from domain.audit.heads import EVERY_SECONDS
from infra.audit.anchors import HeadsTopic
from infra.audit.keeper import TreeKeeper
from infra.audit.tree import grow, sign_if_due, state_of
from infra.event_log import NewEvent, append
from infra.postgres import Connection, connect
from infra.signing import Signer
from tests.conftest import Database
from tests.support.api import Api

SIGNER = Signer(b"s" * 32)
ACME, ROSA = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


@dataclass
class AuditedLog:
    """A database whose log is kept in a tree. Positions have holes, as after aborted appends."""

    database: Database
    worker: Connection
    keeper: TreeKeeper
    heads: Path
    streams: dict[str, int] = field(default_factory=dict)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def append(self, count: int, organization: str = ACME, stream: str | None = None) -> None:
        """Events on new streams, or on one, in one transaction."""
        events = []
        for _ in range(count):
            at = stream or str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            version = self.streams[at] = self.streams.get(at, 0) + 1
            value = self.random.randbytes(self.random.randint(1, 400))
            events.append(NewEvent(at, version, "ContactAdded", organization, value))
        with self.worker.transaction():
            append(self.worker, events)

    def lose_positions(self, count: int) -> None:
        """An append that is rolled back: its positions are never used."""
        for _ in range(count):
            self.worker.execute("SELECT nextval('log.events_position_seq')")

    def keep(self) -> None:
        """Rounds of the keeper until the tree has everything."""
        while self.keeper.work(self.worker):
            pass

    def sign(self) -> None:
        """A round in which a head is due."""
        self.keeper.head_every = 0.0
        self.keep()
        self.keeper.head_every = EVERY_SECONDS

    def positions(self) -> list[int]:
        """Of every event."""
        rows = self.worker.execute("SELECT position FROM log.events ORDER BY position").fetchall()
        return [position for (position,) in rows]


def sign_everything(api: Api) -> None:
    """What the keeper of the tree does: every event is under a signed head."""
    with api.worker.pool.connection() as connection:
        state = state_of(connection, lock=True)
        assert state is not None
        sign_if_due(connection, grow(connection, state, 100_000), SIGNER, every=0.0)


@contextmanager
def audited_log(
    database: Database, folder: Path, kafka_bootstrap: str, topic_prefix: str, batch: int = 300
) -> Iterator[AuditedLog]:
    """The log of a test's database; the keeper takes small batches."""
    heads = folder / "audit" / "heads.ndjson"
    topic = HeadsTopic(kafka_bootstrap, topic_prefix)
    opened = functools.partial(connect, database.worker_url, autocommit=True)
    keeper = TreeKeeper(opened, SIGNER, heads, topic, batch=batch, pause=0.05)
    with opened() as worker:
        yield AuditedLog(database, worker, keeper, heads)

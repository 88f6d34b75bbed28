"""New topics filled from the log, and the positions of consumers brought over, in steps that can be
repeated: until the last one, a single transaction, nothing of what is in use is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from infra import topic_versions
from infra.bootstrap import Core
from infra.carrying import carry_log
from infra.database import migrate
from infra.kafka import create_topics
from infra.letters.deciding import still_open
from infra.letters.reading import newest, read_letters
from infra.postgres import Connection, connect
from infra.relay import MARKER_TOPIC
from infra.renewing.copying import Copier
from infra.renewing.positions import Standing, bring_over, standings, translated
from infra.run import ROLES
from infra.verifying.verifier import Verifier
from projections.verify.fault import KAFKA
from schemas.topics import Topic, all_topics

Told = Callable[[str], None]

_SESSIONS: Final = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ANY(%s)
    ORDER BY 1
"""
_PRODUCT: Final = [f"nudge-{name}" for name in (*ROLES, "tree", "timers")]
_UNDER_WAY: Final = "SELECT topic, partition FROM state.analytics_batches ORDER BY 1, 2 LIMIT 1"
_LOOK: Final = 0.1


class RenewalError(Exception):
    """Why new topics cannot be taken into use, in one line; nothing of what is in use changed."""


class Renewed(NamedTuple):
    """What the new topics got: the log up to a position, records that are in no log, and how many
    positions of consumers now belong to them. `old`: the names of the topics they replace."""

    position: int
    events: int
    copied: int
    positions: int
    old: list[str]


@dataclass(frozen=True)
class Renewal:
    """Fills topics with another prefix than the configured one of `core`, which is in use.

    The product does not run meanwhile, and Kafka and Postgres answer. `patience` in seconds: how
    long the sessions of processes that have just ended may linger.
    """

    core: Core
    prefix: str
    patience: float = 10.0

    def run(self, told: Told) -> Renewed:
        """All steps; after a failure or a kill, all of them again.

        Raises RenewalError, WrongTopicsError, NotCarriedError, NotCopiedError,
        TopicMismatchError, KafkaUnavailableError.
        """
        at = self.core.addresses
        migrate(at.postgres_owner_url)
        with (
            connect(at.postgres_worker_url, autocommit=True, application="nudge-renew") as conn,
            topic_versions.alone(conn),
        ):
            self._refuse_prefix(conn)
            self._refuse_while_it_runs(conn)
            told("making topics")
            topics = all_topics()
            create_topics(at.kafka_bootstrap, self._before, topics.values())  # lost ones are empty
            self._refuse_work_under_way(conn)
            create_topics(at.kafka_bootstrap, self.prefix, topics.values())
            told("carrying the log")
            last = carry_log(at, self.prefix, lambda at, of: told(f"the log: {at:,} of {of:,}"))
            told("comparing the new topics with the log")
            events = self._compare()
            told("copying what is in no log")
            stands = standings(conn)
            copied = self._copy(stands)
            told("translating positions")
            self._bring_over(conn, stands, last)
        return Renewed(last, events, copied, len(stands), self._names())

    @property
    def _before(self) -> str:
        return self.core.settings.topic_prefix

    def _refuse_prefix(self, conn: Connection) -> None:
        used = [version.prefix for version in topic_versions.versions(conn)]
        if (used[-1] if used else self._before) == self.prefix:
            raise RenewalError(
                f"the positions belong to topics with the prefix '{self.prefix}' already: start"
                f" every process with NUDGE_TOPIC_PREFIX={self.prefix}"
            )
        if self.prefix in used:
            raise RenewalError(f"the prefix '{self.prefix}' was in use before: give a new one")
        if used and used[-1] != self._before:
            raise topic_versions.WrongTopicsError(
                f"the topics in use have the prefix '{used[-1]}', NUDGE_TOPIC_PREFIX is"
                f" '{self._before}': set it to that first"
            )

    def _refuse_while_it_runs(self, conn: Connection) -> None:
        deadline = time.monotonic() + self.patience
        while found := conn.execute(_SESSIONS, (_PRODUCT,)).fetchall():
            if time.monotonic() > deadline:
                names = ", ".join(str(name).removeprefix("nudge-") for (name,) in found)
                raise RenewalError(f"the product runs ({names}): stop every process first")
            time.sleep(_LOOK)

    def _refuse_work_under_way(self, conn: Connection) -> None:
        """What names records by their old offsets and cannot be brought over."""
        batch = conn.execute(_UNDER_WAY).fetchone()
        if batch is not None:
            raise RenewalError(
                f"a batch of {batch[0]}-{batch[1]} is on its way to ClickHouse: start the product"
                " as it was, and stop it when analytics has caught up"
            )
        bootstrap = self.core.addresses.kafka_bootstrap
        events = sorted(self.core.codec.registry.topics)
        letters = newest(read_letters(bootstrap, self._before, events))
        if waiting := still_open(conn, self.core.codec, letters):
            raise RenewalError(
                f"{len(waiting)} dead letters of events are open, first {waiting[0].id}: start the"
                " product as it was and decide about them (nudge dlq)"
            )

    def _compare(self) -> int:
        settings = self.core.settings.model_copy(update={"topic_prefix": self.prefix})
        core = Core(settings, self.core.addresses, "renew")
        try:
            found = Verifier(core).verify([KAFKA])
        finally:
            core.pool.close()
        if found.faults:
            first = found.first or found.faults[0]
            raise RenewalError(
                f"the new topics differ from the log ({first.place} {first.kind} at position"
                f" {first.position}): give a new prefix"
            )
        return found.events[KAFKA]

    def _copy(self, stands: Sequence[Standing]) -> int:
        """Unread webhooks, all signed heads, all dead letters."""
        copier = Copier(self.core.addresses.kafka_bootstrap, self._before, self.prefix)
        copied = 0
        for topic in all_topics().values():
            if self._is_copied(topic):
                for number in range(topic.partitions):
                    place = topic.name, number
                    read = [s.next_offset for s in stands if (s.topic, s.partition) == place]
                    copied += copier.copy(place, min(read, default=0))
            if topic.dead_letters:
                copied += copier.copy((topic.dead_letters, 0), 0)
        return copied

    def _is_copied(self, topic: Topic) -> bool:
        return topic.name not in self.core.codec.registry.topics and topic.name != MARKER_TOPIC

    def _bring_over(self, conn: Connection, stands: Sequence[Standing], last: int) -> None:
        bootstrap = self.core.addresses.kafka_bootstrap
        events = self.core.codec.registry.topics
        moved = translated(
            bootstrap, self._before, self.prefix, [s for s in stands if s.topic in events], last
        )
        self._refuse_while_it_runs(conn)
        with conn.transaction():
            if not topic_versions.versions(conn):
                topic_versions.record(conn, self._before)
            if not bring_over(conn, stands, moved):
                raise RenewalError("a consumer has moved meanwhile: stop every process first")
            topic_versions.record(conn, self.prefix)

    def _names(self) -> list[str]:
        names = [(topic.name, topic.dead_letters) for topic in all_topics().values()]
        return sorted(self._before + name for pair in names for name in pair if name)

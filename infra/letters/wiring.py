"""What deciding about dead letters needs, put together from settings."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from infra.bootstrap import Core
from infra.dead_letters import KafkaDeadLetters
from infra.letters.desk import LetterDesk
from infra.letters.handling import handling_of
from infra.letters.reading import BadLetterError, Letter, newest, read_letters
from infra.preparation import clickhouse
from infra.settings import Settings
from infra.worker_log import PostgresWorkerLog
from projections.clickhouse.again import AnalyticsAgain
from projections.postgres.refolding import Refolder
from schemas.topics import all_topics
from streams.agents.addresses import Addresses


@dataclass(frozen=True)
class Office:
    """The letters of one installation, and the desk where they are decided about."""

    core: Core
    desk: LetterDesk

    @classmethod
    def of(cls, settings: Settings) -> Office:
        """Connects to Postgres; to Kafka and ClickHouse when they are needed."""
        core = Core.of(settings, "dlq")
        log = PostgresWorkerLog(core.pool, core.codec, core.writer, core.keys, "system:reactions")
        handling = handling_of(
            core.codec,
            Refolder(core.codec, core.keys),
            Addresses(core.hasher, uuid.uuid4),
            AnalyticsAgain(lambda: clickhouse(core.addresses), settings.topic_prefix),
        )
        letters = KafkaDeadLetters(core.addresses.kafka_bootstrap, settings.topic_prefix)
        actor = f"operator:{getpass.getuser()}"
        return cls(core, LetterDesk(log, core.codec, handling, letters, actor))

    def letters(self, topics: Iterable[str] | None = None) -> list[Letter]:
        """Those that are open, of all topics that have dead letters or of these."""
        return self.desk.open(newest(self._read(topics)))

    def letter(self, identity: str) -> Letter:
        """The letter of this id, or the newer one about the same record and consumer, decided
        about or not. Raises BadLetterError."""
        topic, _, offset = identity.rpartition(":")
        letters = self._read([topic])
        for each in letters:
            if offset == str(each.offset):
                same = (each.origin, each.consumer)
                return [one for one in letters if (one.origin, one.consumer) == same][-1]
        raise BadLetterError(f"there is no letter {identity}; `nudge dlq list` names them")

    def close(self) -> None:
        """Let the stores go."""
        self.core.pool.close()

    def _read(self, topics: Iterable[str] | None) -> list[Letter]:
        known = [name for name, topic in all_topics().items() if topic.dead_letters]
        wanted = known if topics is None else list(topics)
        for each in wanted:
            if each not in known:
                raise BadLetterError(f"{each or 'that'} is no topic with dead letters: {known}")
        addresses, prefix = self.core.addresses, self.core.settings.topic_prefix
        return list(read_letters(addresses.kafka_bootstrap, prefix, wanted))

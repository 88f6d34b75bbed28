"""Restoring a backup into an empty product, before any of its processes starts."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import sql

from domain.campaign.aggregate import Campaign
from domain.campaign.decisions import RUNNING
from domain.shared.meta import Meta
from infra.backup import manifest as manifests
from infra.backup.manifest import BackupError, Manifest
from infra.backup.places import offsets_behind
from infra.backup.saving import DUMP, login_of
from infra.backup.tools import run
from infra.bootstrap import Core
from infra.carrying import NotCarriedError, carry_log
from infra.database import make_database, migrate
from infra.erasure.ledger import ErasureLedger
from infra.erasure.replaying import replay
from infra.erasure.stores.raw import give_up_the_dead
from infra.kafka import create_topics
from infra.leaving.replaying import depart_again
from infra.ledger.lookbacks import mark_campaigns
from infra.people.sessions import end
from infra.postgres import Connection, connect
from infra.relay import MARKER_TOPIC
from infra.replies.desk import PostgresReplyDesk
from infra.transactions import PostgresTransaction
from projections.postgres.departed import PRESENT
from schemas.topics import all_topics
from streams.effects.replies import ReplyTask

Told = Callable[[str], None]
ACTOR: Final = "operator:restore"
PAUSED_BECAUSE: Final = (
    "Restored from a backup. Resume it when it shall go on: first it asks the provider what was"
    " sent since, so that nobody is mailed twice."
)
_DUMPED: Final = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('log', 'state') ORDER BY 1, 2
"""
# By the log: an approval may be in it that no reaction has turned into a run yet.
_APPROVED: Final = f"""
    SELECT DISTINCT organization_id, stream_id FROM log.events e
    WHERE type = 'CampaignApproved' AND {PRESENT} AND NOT EXISTS (
        SELECT 1 FROM log.events o WHERE o.stream_id = e.stream_id AND o.position > e.position
          AND o.type IN ('CampaignSent', 'CampaignCancelled', 'CampaignRejected'))
    ORDER BY stream_id
"""  # noqa: S608 - put together from constants
_SAID: Final = f"""
    SELECT bytes, position FROM log.events
    WHERE type IN ('TurnReceived', 'ReplyGiven') AND {PRESENT} AND stream_id IN (
        SELECT stream_id FROM log.events WHERE type IN ('TurnReceived', 'ReplyGiven')
        GROUP BY stream_id HAVING count(*) FILTER (WHERE type = 'TurnReceived')
            > count(*) FILTER (WHERE type = 'ReplyGiven'))
    ORDER BY position
"""  # noqa: S608 - put together from constants
_LOGGED_IN: Final = f"""
    SELECT organization_id, session_id FROM state.sessions
    WHERE ended_at IS NULL AND {PRESENT} ORDER BY organization_id, session_id
"""  # noqa: S608 - put together from constants
_PLACES: Final = (
    "SELECT topic, partition, position FROM state.positions WHERE consumer = 'reactions'"
)
_KEPT: Final = """
    INSERT INTO state.positions (consumer, topic, partition, next_offset, position)
    VALUES ('reactions', %s, %s, %s, %s)
"""


class Restored(NamedTuple):
    """What was restored: events, erasures and deletions of organizations done again, sessions that
    are over, campaigns that now wait for a person, messages to which nobody had an answer yet, to
    be said again, and campaigns that ask the provider what has left before they send anything."""

    events: int
    position: int
    erased_again: int
    departed_again: int
    sessions_ended: int
    paused: int
    unanswered: int
    looking_back: int


@dataclass(frozen=True)
class Restore:
    """One restore. `admin_url`: of a login that row-level security does not bind, for a Postgres
    that is not the embedded one."""

    core: Core
    log_folder: Path
    key_folder: Path
    manifest: Manifest
    admin_url: str | None = None

    def run(self, told: Told, *, keep_running: bool = False) -> Restored:
        """Fill the empty stores, which must answer. Raises BackupError and LedgerError before
        anything is written; what fails later leaves stores that must be emptied again."""
        ledger = ErasureLedger(self.core.addresses.erasure_ledger_file, self.core.signer)
        entries = ledger.entries(whole=True)
        told("tables")
        self._make_tables()
        self._refuse_unless_empty()
        told("log and state")
        self._load(self.log_folder)
        told("keys")
        self._load(self.key_folder)
        told("erasures")
        erased = replay(self.core, [entry for entry in entries if not entry.whole_organization])
        left = depart_again(self.core, [entry for entry in entries if entry.whole_organization])
        if entries and (admin := login_of(self.core.addresses, self.admin_url).admin):
            give_up_the_dead(admin, login_of(self.core.addresses).database, told)
        ended, paused, unanswered, marked = self._end_sessions(), 0, 0, 0
        if not keep_running:
            marked = self._mark_all()
            unanswered, paused = self._leave_unanswered(), self._pause_all()
        told("Kafka")
        last = self._relay()
        self._place_reactions()
        return Restored(self.manifest.events, last, erased, left, ended, paused, unanswered, marked)

    def _make_tables(self) -> None:
        addresses = self.core.addresses
        if addresses.postgres_admin_url is not None:
            make_database(
                addresses.postgres_admin_url, addresses.postgres_owner_url,
                addresses.postgres_worker_url, addresses.postgres_api_url,
            )  # fmt: skip
        migrate(addresses.postgres_owner_url)
        create_topics(
            addresses.kafka_bootstrap, self.core.settings.topic_prefix, all_topics().values()
        )

    def _refuse_unless_empty(self) -> None:
        with connect(self.core.addresses.postgres_owner_url) as connection:
            events = connection.execute("SELECT count(*) FROM log.events").fetchone()
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if events and events[0]:
            raise BackupError(
                f"the log holds {events[0]} events: a backup is restored into an empty stack only"
            )
        if revision and revision[0] != self.manifest.revision:
            raise BackupError(
                f"the backup has tables of revision {self.manifest.revision}, this program "
                f"{revision[0]}: restore with the version that made it, then update"
            )
        topics = [t for t in all_topics().values() if t.name.endswith("-events")]
        places = {(t.name, p): 0 for t in topics for p in range(t.partitions)}
        places[MARKER_TOPIC, 0] = 0
        bootstrap, prefix = self.core.addresses.kafka_bootstrap, self.core.settings.topic_prefix
        before = offsets_behind(bootstrap, prefix, dict.fromkeys(places, 2**62))
        if full := sorted({topic for (topic, _), offset in before.items() if offset}):
            raise BackupError(f"Kafka holds records already, in {full[0]}: empty it, too")

    def _load(self, folder: Path) -> None:
        login = login_of(self.core.addresses, self.admin_url)
        if folder == self.log_folder:  # migrations leave a row here and there
            with connect(self.core.addresses.postgres_owner_url) as connection:
                tables = [
                    sql.Identifier(*names) for names in connection.execute(_DUMPED).fetchall()
                ]
                connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        options = ["--data-only", "--exit-on-error", "--single-transaction", str(folder / DUMP)]
        run("pg_restore", login.url, options, login.database)

    def _end_sessions(self) -> int:
        """Who logged out, or was thrown out, after the backup was made is in again: all are out."""
        with connect(self.core.addresses.postgres_worker_url) as connection:
            sessions = connection.execute(_LOGGED_IN).fetchall()
        for organization, session in sessions:
            self.core.commands.run(
                UUID(organization),
                lambda tx, s=session: end(tx, UUID(s), "restored", _meta(tx)),  # type: ignore[misc]
            )
        return len(sessions)

    def _mark_all(self) -> int:
        """What was sent after the backup is not in it: every campaign asks for it first."""
        with connect(self.core.addresses.postgres_worker_url) as connection:
            return mark_campaigns(connection, datetime.fromisoformat(self.manifest.made_at))

    def _pause_all(self) -> int:
        """Much may have changed since the backup, so a person says when to go on."""
        with connect(self.core.addresses.postgres_worker_url) as connection:
            approved = connection.execute(_APPROVED).fetchall()
        return sum(
            self.core.commands.run(
                UUID(organization),
                lambda tx, c=campaign: _pause(tx, UUID(c)),  # type: ignore[misc]
            )[0]
            for organization, campaign in approved
        )

    def _leave_unanswered(self) -> int:
        """A yes that waited for its answer when the backup was made has had it since, and what it
        approved was sent: it must not be understood once more."""
        desk = PostgresReplyDesk(self.core.commands, self.core.hasher, uuid.uuid4)
        with connect(self.core.addresses.postgres_worker_url) as connection:
            values = connection.execute(_SAID).fetchall()
        open_turns: dict[str, ReplyTask] = {}
        for event in self.core.codec.decode_batch(values, None):
            turn = str(event.data["turn_id"])
            if event.type == "TurnReceived":
                open_turns[turn] = ReplyTask(
                    turn, event.organization_id, event.stream_id, event.data["number"], 0
                )
            else:
                open_turns.pop(turn, None)
        for task in open_turns.values():
            desk.apologise(task)
        return len(open_turns)

    def _relay(self) -> int:
        """The whole log to Kafka; the last position."""
        try:
            return carry_log(self.core.addresses, self.core.settings.topic_prefix)
        except NotCarriedError as error:
            raise BackupError(str(error)) from error

    def _place_reactions(self) -> None:
        """Reactions go on behind what they had handled; views and analytics begin anew."""
        bootstrap, prefix = self.core.addresses.kafka_bootstrap, self.core.settings.topic_prefix
        with connect(self.core.addresses.postgres_worker_url) as connection:
            handled = {
                (topic, partition): position
                for topic, partition, position in connection.execute(_PLACES).fetchall()
                if topic.endswith("-events")
            }
            offsets = offsets_behind(bootstrap, prefix, handled)
            _replace_positions(connection, handled, offsets)


def _replace_positions(
    connection: Connection,
    handled: dict[tuple[str, int], int],
    offsets: dict[tuple[str, int], int],
) -> None:
    connection.execute("DELETE FROM state.positions")
    for (topic, partition), position in handled.items():
        offset = offsets[topic, partition]
        connection.execute(_KEPT, (topic, partition, offset, position))


def _pause(tx: PostgresTransaction, campaign_id: UUID) -> bool:
    campaign = tx.load(Campaign, campaign_id)
    if campaign.status not in RUNNING:
        return False
    campaign.pause(_meta(tx), "restored", PAUSED_BECAUSE)
    tx.save(campaign)
    return True


def _meta(tx: PostgresTransaction) -> Meta:
    request = uuid.uuid4()
    return Meta(tx.organization_id, ACTOR, request, request, datetime.now(UTC))


def read_parts(log_folder: Path, key_folder: Path) -> Manifest:
    """The manifest of a whole backup, both parts checked. Raises BackupError."""
    log, keys = manifests.read(log_folder, "log"), manifests.read(key_folder, "keys")
    if log.backup_id != keys.backup_id:
        raise BackupError(f"{log_folder} and {key_folder} are parts of different backups")
    return log


def place_key_files(log_folder: Path, key_folder: Path, wanted: dict[str, Path]) -> None:
    """Put the key files of a backup where the product reads them.

    `wanted`: path by name (secret.key, master.key, signing.key). Raises BackupError when another
    key is there already.
    """
    for name, path in wanted.items():
        source = (log_folder if name == "secret.key" else key_folder) / name
        if path.is_file():
            if path.read_text().split() != source.read_text().split():
                raise BackupError(f"{path} is another key than the backup's")
            continue
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy(source, path)
        path.chmod(0o600)

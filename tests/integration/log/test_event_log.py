"""The event log on real Postgres: order, conflicts, isolation, sealed fields."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.organization.aggregate import Organization
from domain.organization.commands import IssueApiKey
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from infra import event_log
from infra.event_log import Draft, EventTooLargeError, EventWriter
from infra.idempotency import AnswerStore
from infra.keys import SubjectKeys
from infra.master_keys import MasterKeys
from infra.postgres import connect, make_pool
from infra.transactions import CommandLog, PostgresTransaction
from schemas.codec import Codec
from schemas.registry import default_registry
from tests.conftest import Database, api_connection

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def meta(organization: UUID) -> Meta:
    return Meta(organization, "test", uuid4(), uuid4(), NOW)


def command_log(url: str) -> CommandLog:
    pool = make_pool(url, size=8, application="test")
    codec = Codec(default_registry(), os.urandom)
    keys = SubjectKeys(MasterKeys((b"k" * 32,), os.urandom), pool.connection, os.urandom)
    answers = AnswerStore(keys, os.urandom)
    return CommandLog(pool, codec, EventWriter(codec, keys), keys, answers)


@pytest.fixture
def log(database: Database) -> Iterator[CommandLog]:
    made = command_log(database.worker_url)
    yield made
    made.pool.close()


@pytest.fixture
def api_log(database: Database) -> Iterator[CommandLog]:
    made = command_log(database.api_url)
    yield made
    made.pool.close()


def create(log: CommandLog, name: str) -> UUID:
    organization = uuid4()
    log.run(organization, lambda tx: tx.save(Organization.create(name, meta(organization))))
    return organization


def test_what_was_saved_is_loaded_again_with_its_sealed_name(api_log: CommandLog) -> None:
    organization = create(api_log, "Bäckerei Rosa")

    loaded, _ = api_log.run(organization, lambda tx: tx.load(Organization, organization))

    assert (loaded.name, loaded.version) == ("Bäckerei Rosa", 1)


def test_the_stored_bytes_do_not_show_the_name(log: CommandLog, database: Database) -> None:
    create(log, "Bäckerei Rosa")

    with psycopg.connect(database.worker_url) as connection:
        (value,) = connection.execute("SELECT bytes FROM log.events").fetchone() or (b"",)

    assert value
    assert b"Rosa" not in value


def test_a_concurrent_change_is_decided_again_on_fresh_state(log: CommandLog) -> None:
    organization = create(log, "Acme")
    seen: list[str] = []

    def rename(tx: PostgresTransaction) -> None:
        loaded = tx.load(Organization, organization)
        seen.append(loaded.name)
        if len(seen) == 1:
            log.run(
                organization,
                lambda other: _renamed(other, organization, "Changed meanwhile"),
            )
        loaded.rename("Acme & Co", meta(organization))
        tx.save(loaded)

    _, appended = log.run(organization, rename)

    assert seen == ["Acme", "Changed meanwhile"]
    assert appended[0].version == 3


def _renamed(tx: PostgresTransaction, organization: UUID, name: str) -> None:
    loaded = tx.load(Organization, organization)
    loaded.rename(name, meta(organization))
    tx.save(loaded)


def test_whoever_stands_still_with_the_log_s_lock_stops_nobody_for_ever(
    log: CommandLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = create(log, "Acme")
    monkeypatch.setattr(event_log, "LONGEST_PAUSE", "200ms")
    locked: list[str] = []

    def stand_still() -> None:
        with connect(database.worker_url) as other:
            other.execute("SET LOCAL lock_timeout = '60s'")
            other.execute("SELECT pg_advisory_xact_lock(7301)")
            locked.append("by somebody else")

    def rename(tx: PostgresTransaction) -> None:
        _renamed(tx, organization, "never committed")
        tx.after_append(stand_still)

    with pytest.raises(psycopg.OperationalError):
        log.run(organization, rename)

    assert locked == ["by somebody else"]
    monkeypatch.undo()
    loaded, _ = log.run(organization, lambda tx: tx.load(Organization, organization))
    assert (loaded.name, loaded.version) == ("Acme", 1)


def test_a_connection_into_a_silent_network_is_noticed_within_half_a_minute(
    database: Database,
) -> None:
    with (
        connect(database.worker_url) as alone,
        make_pool(database.worker_url, size=1, application="test") as pool,
        pool.connection() as pooled,
    ):
        for connection in (alone, pooled):
            asked = connection.info.get_parameters()
            idle, interval, count = (
                int(asked[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
            )
            assert 0 < idle + interval * count <= 30


def test_a_tailing_reader_sees_every_position_with_eight_writers(
    log: CommandLog, database: Database
) -> None:
    done = threading.Event()
    seen: list[int] = []

    def tail() -> None:
        last, finished = 0, False
        with psycopg.connect(database.worker_url, autocommit=True) as connection:
            while not finished:
                finished = done.is_set()
                rows = connection.execute(
                    "SELECT position FROM log.events WHERE position > %s ORDER BY position", (last,)
                ).fetchall()
                seen.extend(position for (position,) in rows)
                last = seen[-1] if seen else 0

    def write() -> None:
        for _ in range(50):
            create(log, "x")

    reader = threading.Thread(target=tail)
    writers = [threading.Thread(target=write) for _ in range(8)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()

    assert len(seen) == len(set(seen)) == 400
    assert seen == sorted(seen)


def test_another_organization_sees_and_appends_nothing(
    api_log: CommandLog, database: Database
) -> None:
    mine, theirs = create(api_log, "mine"), create(api_log, "theirs")

    with pytest.raises(NotFoundError):
        api_log.run(mine, lambda tx: tx.load(Organization, theirs))
    with api_connection(database, str(mine)) as connection:
        rows = connection.execute("SELECT DISTINCT organization_id FROM log.events").fetchall()
        assert [str(row[0]) for row in rows] == [str(mine)]  # type: ignore[index]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api_log.run(mine, lambda tx: tx.save(Organization.create("x", meta(theirs))))


def test_an_event_over_the_limit_is_refused_before_the_append(log: CommandLog) -> None:
    organization = uuid4()

    with pytest.raises(EventTooLargeError):
        log.run(
            organization,
            lambda tx: tx.save(Organization.create("x" * 600_000, meta(organization))),
        )


def test_an_append_takes_at_most_a_thousand_events(log: CommandLog) -> None:
    organization = uuid4()
    drafts = [
        Draft(
            type="OrganizationCreated",
            stream_id=str(uuid4()),
            version=1,
            data={"name": "x"},
            organization_id=str(organization),
            actor="test",
            correlation_id=str(uuid4()),
            causation_id=str(uuid4()),
            now=NOW,
        )
        for _ in range(1001)
    ]

    with pytest.raises(psycopg.errors.RaiseException, match="at most 1000"):
        log.run(organization, lambda tx: tx.add(*drafts))


def test_every_table_forces_row_level_security(database: Database) -> None:
    with psycopg.connect(database.owner_url) as connection:
        open_tables = connection.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname IN ('log', 'state', 'views') AND relkind IN ('r', 'p')"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        ).fetchall()

    assert open_tables == []


def test_an_organization_issues_and_revokes_keys(log: CommandLog) -> None:
    organization = create(log, "Acme")
    key = uuid4()

    def issue(tx: PostgresTransaction) -> None:
        loaded = tx.load(Organization, organization)
        loaded.issue_api_key(IssueApiKey(key, b"hash", "nk_abc"), meta(organization))
        loaded.revoke_api_key(key, meta(organization))
        tx.save(loaded)

    log.run(organization, issue)
    loaded, _ = log.run(organization, lambda tx: tx.load(Organization, organization))

    assert loaded.version == 3
    assert loaded.api_key(key).revoked

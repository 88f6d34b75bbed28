"""Rotation of the master key on real Postgres: resumable, under use, and refused when unsafe."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from infra import rotation
from infra.keys import SubjectKeys
from infra.master_keys import MasterKeys, UnknownMasterKeyError, key_id, read_keys, write_keys
from infra.people.token_keys import TokenKeys
from infra.people.vault import Vault
from infra.postgres import Connection, connect, make_pool
from infra.rotation import RotationError, retire, rewrap, rotate, uses
from tests.conftest import Database

OLD = b"o" * 32
ORGANIZATION = str(uuid.uuid4())


class StoppedError(Exception):
    """Where a test ends a rotation."""


class Installation:
    """A database with keys, its key file, and processes that use both."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.path = folder / "master.key"
        write_keys(self.path, (OLD,))
        self.pool: ConnectionPool[Connection] = make_pool(
            database.worker_url, size=4, application="test"
        )
        self.connection = connect(database.worker_url, autocommit=True)
        self.url = database.worker_url

    def process(self) -> SubjectKeys:
        """The keys as one more process has them, nothing cached."""
        return SubjectKeys(
            MasterKeys.of_file(self.path, os.urandom), self.pool.connection, os.urandom
        )

    def people(self, count: int) -> dict[str, bytes]:
        """So many new people with their keys."""
        wanted = {str(uuid.uuid4()): ORGANIZATION for _ in range(count)}
        with self.pool.connection() as connection:
            return dict(self.process().ensure(connection, wanted))

    def wrapping(self) -> dict[str, int]:
        """How much each key wraps, by id."""
        return {use.id: use.wraps for use in uses(self.connection, self.path)}


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Iterator[Installation]:
    made = Installation(database, tmp_path)
    yield made
    made.connection.close()
    made.pool.close()


def unheard(_done: int, _total: int) -> None:
    """Nobody looks at the progress."""


def test_everything_is_wrapped_anew_and_opens_as_before(here: Installation) -> None:
    people = here.people(5)
    told: list[tuple[int, int]] = []

    newest = rotate(here.connection, here.path, lambda done, total: told.append((done, total)))

    assert read_keys(here.path)[1:] == (OLD,)
    assert here.wrapping() == {newest.hex(): 5, key_id(OLD).hex(): 0}
    assert told[-1] == (5, 5)
    assert here.process().keys_of(people) == people
    assert retire(here.connection, here.path) == 1
    assert read_keys(here.path) == read_keys(here.path)[:1]
    assert here.process().keys_of(people) == people


def test_the_old_key_alone_opens_nothing_afterwards(here: Installation, tmp_path: Path) -> None:
    people = here.people(2)
    rotate(here.connection, here.path, unheard)
    stolen = tmp_path / "stolen.key"
    write_keys(stolen, (OLD,))
    thief = SubjectKeys(MasterKeys.of_file(stolen, os.urandom), here.pool.connection, os.urandom)
    with pytest.raises(UnknownMasterKeyError):
        thief.keys_of(people)


def test_a_rotation_that_was_ended_goes_on_with_the_same_key(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "_BATCH", 2)
    people = here.people(7)

    def stop(done: int, _total: int) -> None:
        if done >= 4:
            raise StoppedError

    with connect(here.url, autocommit=True) as first, pytest.raises(StoppedError):
        rotate(first, here.path, stop)
    half = here.wrapping()
    assert sorted(half.values()) == [3, 4]
    assert here.process().keys_of(people) == people

    with pytest.raises(RotationError, match="3 keys"), connect(here.url, autocommit=True) as early:
        retire(early, here.path)
    newest = rotate(here.connection, here.path, unheard)

    assert newest.hex() in half
    assert len(read_keys(here.path)) == 2
    assert here.wrapping()[newest.hex()] == 7
    assert here.process().keys_of(people) == people


def test_processes_that_run_meanwhile_go_on(here: Installation) -> None:
    people = here.people(3)
    running = here.process()
    assert running.keys_of(people) == people
    rotate(here.connection, here.path, unheard)
    running.forget()
    assert running.keys_of(people) == people
    with here.pool.connection() as connection:
        running.ensure(connection, {str(uuid.uuid4()): ORGANIZATION})
    assert here.wrapping()[key_id(OLD).hex()] == 0


def test_an_erased_person_stays_erased_and_one_being_erased_is_not_brought_back(
    here: Installation,
) -> None:
    erased, leaving, *_ = here.people(3)
    with here.pool.connection() as connection:
        here.process().destroy(connection, [erased])
    held = connect(here.url)
    here.process().destroy(held, [leaving])
    rotating = threading.Thread(target=rotate, args=(here.connection, here.path, unheard))
    rotating.start()
    held.commit()
    rotating.join(30)
    held.close()
    assert not rotating.is_alive()
    with connect(here.url) as look:
        rows = look.execute(
            "SELECT wrapped FROM log.subject_keys WHERE subject_id = ANY(%s::uuid[])",
            ([erased, leaving],),
        ).fetchall()
    assert rows == [(None,), (None,)]


def test_what_was_wrapped_before_there_were_ids_is_wrapped_anew_too(here: Installation) -> None:
    people = here.people(2)
    here.connection.execute("UPDATE log.subject_keys SET wrapped_by = NULL")
    assert here.wrapping() == {key_id(OLD).hex(): 0, "": 2}
    assert here.process().keys_of(people) == people
    newest = rotate(here.connection, here.path, unheard)
    assert here.wrapping()[newest.hex()] == 2
    assert here.process().keys_of(people) == people


def test_a_key_that_the_operator_put_into_the_file_is_used(here: Installation) -> None:
    here.people(2)
    write_keys(here.path, (b"n" * 32, OLD))
    assert rewrap(here.connection, here.path, unheard) == key_id(b"n" * 32)
    assert here.wrapping() == {key_id(b"n" * 32).hex(): 2, key_id(OLD).hex(): 0}


def test_two_rotations_at_once_are_refused(here: Installation) -> None:
    here.people(3)
    asked: list[int] = []

    def meanwhile(done: int, _total: int) -> None:
        asked.append(done)
        with pytest.raises(RotationError, match="under way"):
            rotate(here.connection, here.path, unheard)

    with connect(here.url, autocommit=True) as other:
        rotate(other, here.path, meanwhile)
        assert asked
        rotate(here.connection, here.path, unheard)  # the other session is still there


def test_a_key_is_not_retired_while_a_transaction_may_still_need_it(here: Installation) -> None:
    rotate(here.connection, here.path, unheard)
    with connect(here.url) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        with pytest.raises(RotationError, match="transaction"):
            retire(here.connection, here.path, patience=0.2)
    assert len(read_keys(here.path)) == 2


def test_keys_of_tokens_open_after_a_rotation_too(here: Installation) -> None:
    def tokens() -> TokenKeys:
        return TokenKeys(
            Vault(here.process(), here.pool, "token-keys", os.urandom), here.pool.connection
        )

    with here.pool.connection() as connection:
        kid = tokens().rotate(connection)
    rotate(here.connection, here.path, unheard)
    assert retire(here.connection, here.path) == 1
    assert tokens().keys().kid == kid

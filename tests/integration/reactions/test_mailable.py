"""The table that decides who may be mailed, on real Postgres."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.contact.mailable import NOTHING_KNOWN, Note, Standing
from domain.organization.aggregate import Organization
from infra.mailable import PostgresMailable
from infra.transactions import CommandLog, PostgresTransaction
from tests.conftest import Database
from tests.integration.log.test_event_log import command_log, create, meta

ANN, BOB = b"a" * 32, b"b" * 32


@pytest.fixture
def log(database: Database) -> Iterator[CommandLog]:
    made = command_log(database.api_url)
    yield made
    made.pool.close()


def note(log: CommandLog, organization: UUID, *notes: Note) -> int:
    def decide(tx: PostgresTransaction) -> None:
        mailable = PostgresMailable(tx)
        mailable.take([each.address_hmac for each in notes])
        loaded = tx.load(Organization, organization)
        loaded.rename(str(uuid4()), meta(organization))
        tx.save(loaded)
        mailable.note_many(notes)

    _, appended = log.run(organization, decide)
    return appended[-1].position


def standing(log: CommandLog, organization: UUID, address: bytes) -> Standing:
    taken, _ = log.run(organization, lambda tx: PostgresMailable(tx).take([address]))
    return taken[address]


def test_an_address_never_seen_is_taken_with_nothing_known(log: CommandLog) -> None:
    assert standing(log, create(log, "Acme"), ANN) == NOTHING_KNOWN


def test_a_note_stands_with_the_position_of_its_event(log: CommandLog) -> None:
    organization, contact = create(log, "Acme"), str(uuid4())

    position = note(log, organization, Note(ANN, contact, "granted", None, str(organization)))

    assert standing(log, organization, ANN) == Standing(contact, "granted", None, position)


def test_a_contact_moves_from_one_address_to_another_at_once(log: CommandLog) -> None:
    organization, contact = create(log, "Acme"), str(uuid4())
    note(log, organization, Note(ANN, contact, "granted", None, str(organization)))

    note(
        log,
        organization,
        Note(BOB, contact, "granted", None, str(organization)),
        Note(ANN, None, "unknown", None, str(organization)),
    )

    assert standing(log, organization, ANN).contact_id is None
    assert standing(log, organization, BOB).contact_id == contact


def test_the_same_address_is_another_row_in_another_organization(log: CommandLog) -> None:
    first, second = create(log, "Acme"), create(log, "Other")
    note(log, first, Note(ANN, None, "unknown", "complained", str(first)))

    assert standing(log, second, ANN) == NOTHING_KNOWN


def test_who_takes_the_same_addresses_in_another_order_waits_its_turn(log: CommandLog) -> None:
    organization = create(log, "Acme")
    errors: list[BaseException] = []

    def many(*addresses: bytes) -> None:
        try:
            for _ in range(25):
                log.run(organization, lambda tx: PostgresMailable(tx).take(addresses))
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=many, args=pair) for pair in ((ANN, BOB), (BOB, ANN)) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors

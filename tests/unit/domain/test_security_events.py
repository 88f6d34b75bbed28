"""Security events: a closed list of kinds, recorded each time or once under a name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast
from uuid import uuid4

import pytest

from domain.security.events import Fact, Kind, SecurityEvent
from domain.security.recording import record, record_once
from domain.shared.meta import Meta
from tests.support.fake_transaction import FakeTransaction

ORGANIZATION = uuid4()
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def meta(actor: str = "key:1") -> Meta:
    return Meta(ORGANIZATION, actor, uuid4(), uuid4(), NOW)


def saved(tx: FakeTransaction) -> list[SecurityEvent.Created]:
    return list(tx.events)


def test_the_same_fact_is_recorded_each_time_under_an_id_of_its_own() -> None:
    tx = FakeTransaction(ORGANIZATION)
    for _ in range(2):
        record(tx, uuid4(), Fact("export", "c1", "contact"), meta())
    assert [(event.kind, event.subject, event.what) for event in saved(tx)] == [
        ("export", "c1", "contact")
    ] * 2


def test_a_fact_is_recorded_once_an_actor_and_day() -> None:
    tx = FakeTransaction(ORGANIZATION)
    fact = Fact("key_used", "k1")
    recorded = [
        record_once(tx, fact, meta("key:1"), "2026-03-02"),
        record_once(tx, fact, meta("key:1"), "2026-03-02"),
        record_once(tx, fact, meta("key:2"), "2026-03-02"),
        record_once(tx, fact, meta("key:1"), "2026-03-03"),
        record_once(tx, Fact("key_used", "k2"), meta("key:1"), "2026-03-02"),
    ]
    assert recorded == [True, False, True, True, True]
    assert len(saved(tx)) == 4


def test_an_address_is_sealed_for_the_person_or_else_for_the_organization() -> None:
    tx, person = FakeTransaction(ORGANIZATION), uuid4()
    record(tx, uuid4(), Fact("login", person=person, address="203.0.113.9"), meta())
    record(tx, uuid4(), Fact("token_refused", address="203.0.113.9"), meta())
    assert [event.person for event in saved(tx)] == [person, ORGANIZATION]


def test_what_a_caller_says_of_itself_is_cut_to_a_bounded_length() -> None:
    tx = FakeTransaction(ORGANIZATION)
    record(tx, uuid4(), Fact("login", agent="a" * 5_000, address="b" * 5_000), meta())
    (event,) = saved(tx)
    assert (len(event.agent), len(event.address)) == (256, 64)


def test_a_kind_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="no security event"):
        Fact(cast("Kind", "made_up"))

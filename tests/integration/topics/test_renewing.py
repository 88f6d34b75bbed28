"""A fault in Kafka is healed by new topics, and no consumer misses or repeats anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.audit.heads import TreeHead
from infra import topic_versions
from infra.audit.anchors import TOPIC as HEADS
from infra.audit.anchors import HeadsTopic
from infra.dead_letters import KafkaDeadLetters
from infra.kafka import create_topics
from infra.postgres import connect
from infra.renewing.renewal import RenewalError
from infra.topic_versions import WrongTopicsError, alone, refuse_other_topics
from infra.verifying.kafka_reader import PartitionReader
from projections.batch import Record
from projections.verify.fault import KAFKA
from schemas.topics import all_topics
from tests.benchmarks.workload import delivery_events
from tests.integration.topics.conftest import (
    ALTERED,
    DOUBLED,
    LOST,
    READ,
    WEBHOOKS,
    Installation,
    damage,
)

A_HEAD = TreeHead("a log", 1, "00", 1, "2026-01-01T00:00:00Z", "00", "00")


class KilledError(Exception):
    """The process died here."""


def dies_at(step: str) -> Callable[[str], None]:
    def told(said: str) -> None:
        if said.startswith(step):
            raise KilledError

    return told


def records(place: Installation, prefix: str, partition: tuple[str, int]) -> list[Record]:
    with PartitionReader(place.addresses.kafka_bootstrap, prefix, [partition]) as reader:
        return list(reader.records(partition))


def test_a_fault_is_found_and_healed_by_new_topics(place: Installation) -> None:
    place.fill(damage)
    place.post(b"read", b"read, too")
    place.consume(upto=READ)
    place.post(b"unread", b"unread, too")
    found = {(fault.kind, fault.position) for fault in place.verify(KAFKA).faults}
    assert found == {("lost", LOST), ("altered", ALTERED), ("doubled", DOUBLED)}

    old = place.prefix
    done = place.renew(f"{old}two-")

    assert done.events == len(place.logged())
    assert done.old == sorted(
        old + name for t in all_topics().values() for name in (t.name, t.dead_letters) if name
    )
    assert [version.prefix for version in topic_versions.versions(place.models.conn)] == [
        old,
        f"{old}two-",
    ]
    assert place.verify().faults == []
    place.models.append(delivery_events(200, seed=2))
    place.carry()
    place.consume()
    place.assert_nothing_twice_and_nothing_missing()
    assert sorted(value for _, value in place.read(WEBHOOKS)) == [
        b"read", b"read, too", b"unread", b"unread, too"
    ]  # fmt: skip


def test_whoever_has_read_everything_reads_nothing_again(place: Installation) -> None:
    place.fill()
    place.consume()

    place.renew(f"{place.prefix}two-")
    place.consume()
    place.renew(f"{place.prefix}three-")
    place.consume()
    place.go_on()

    place.assert_nothing_twice_and_nothing_missing()


def test_a_renewal_that_dies_at_any_step_can_be_repeated(place: Installation) -> None:
    place.fill(damage)
    place.post(b"first", b"second")
    place.consume(upto=READ)
    place.post(b"third")
    before, new = place.positions(), f"{place.prefix}two-"

    for step in ("making", "carrying", "the log", "comparing", "copying", "translating"):
        with pytest.raises(KilledError):
            place.renewal(new).run(dies_at(step))
        assert place.positions() == before
    place.consume(upto=READ + 50)  # the product goes on for a while, with what it had
    place.models.append(delivery_events(100, seed=3))
    place.post(b"fourth")
    place.renew(new)
    place.consume()

    place.assert_nothing_twice_and_nothing_missing()
    assert [value for _, value in place.read(WEBHOOKS)] == [
        b"first",
        b"second",
        b"third",
        b"fourth",
    ]


def test_a_record_that_became_a_dead_letter_is_not_read_again(place: Installation) -> None:
    place.fill()
    place.consume()
    place.models.conn.execute(  # as analytics stores it: a skipped record's header is not trusted
        "UPDATE state.positions SET position = position - 1 WHERE consumer = 'analytics'"
    )

    place.renew(f"{place.prefix}two-")
    place.consume()
    place.go_on()

    place.assert_nothing_twice_and_nothing_missing()


def test_a_position_that_no_event_has_holds_nobody_up(place: Installation) -> None:
    place.fill(lambda records: [*records, (10**12, *records[READ][1:])])
    place.consume(upto=READ)
    place.models.conn.execute(
        "UPDATE state.positions SET position = 1000000000000 WHERE consumer = 'seen'"
    )

    place.renew(f"{place.prefix}two-")
    place.consume()
    place.go_on()

    place.assert_nothing_twice_and_nothing_missing()


# --- what is in no log ---------------------------------------------------------------------


def test_heads_and_letters_about_webhooks_come_along(place: Installation) -> None:
    bootstrap, old = place.addresses.kafka_bootstrap, place.prefix
    place.fill()
    place.post(b"unreadable")
    place.consume()
    letters = KafkaDeadLetters(bootstrap, old)
    about = Record(WEBHOOKS, 1, 0, None, b"unreadable")
    letters.put(about, consumer="reactions", reason="nobody understands it", trace="")
    HeadsTopic(bootstrap, old).publish([A_HEAD])

    assert place.renew(f"{old}two-").copied == 2

    for partition in ((f"{WEBHOOKS}-dlq", 0), (HEADS, 0)):
        found = records(place, place.prefix, partition)
        assert found == records(place, old, partition)
        assert len(found) == 1


# --- refusals ------------------------------------------------------------------------------


def refused(place: Installation, prefix: str = "", patience: float = 60.0) -> str:
    """Why; and nothing has changed."""
    before = place.positions()
    with pytest.raises((RenewalError, WrongTopicsError)) as told:
        place.renewal(prefix or f"{place.prefix}two-", patience).run(lambda _said: None)
    assert place.positions() == before
    return str(told.value)


def test_it_is_refused_while_the_product_runs(place: Installation) -> None:
    place.fill()
    with connect(place.addresses.postgres_api_url, application="nudge-api"):
        assert refused(place, patience=0.1) == "the product runs (api): stop every process first"
    with connect(place.addresses.postgres_worker_url, autocommit=True) as other, alone(other):
        assert refused(place) == "new topics are being filled by another process"
        with pytest.raises(WrongTopicsError, match="start when that has ended"):
            refuse_other_topics(place.models.conn, place.prefix)

    place.renew(f"{place.prefix}two-")


def test_a_consumer_that_moves_meanwhile_is_noticed(place: Installation) -> None:
    place.fill()
    place.consume(upto=READ)

    def told(said: str) -> None:
        if said.startswith("translating"):
            place.consume(upto=READ + 50)

    with pytest.raises(RenewalError, match="a consumer has moved meanwhile"):
        place.renewal(f"{place.prefix}two-").run(told)


def test_a_prefix_is_used_once(place: Installation) -> None:
    place.fill()
    first = place.prefix
    assert "already: start every process with" in refused(place, first)
    place.renew(f"{first}two-")
    assert "already: start every process with" in refused(place, place.prefix)
    assert refused(place, first) == f"the prefix '{first}' was in use before: give a new one"
    place.use(first)
    assert f"the topics in use have the prefix '{first}two-'" in refused(place, f"{first}three-")
    with pytest.raises(WrongTopicsError, match=f"the prefix '{first}two-': set it to that"):
        refuse_other_topics(place.models.conn, first)
    refuse_other_topics(place.models.conn, f"{first}two-")


def test_work_that_names_old_offsets_is_settled_first(place: Installation) -> None:
    place.models.conn.execute(
        "INSERT INTO state.analytics_batches VALUES ('delivery-events', 2, 7, 9)"
    )
    assert "a batch of delivery-events-2 is on its way to ClickHouse" in refused(place)
    place.models.conn.execute("DELETE FROM state.analytics_batches")
    letters = KafkaDeadLetters(place.addresses.kafka_bootstrap, place.prefix)
    about = Record("delivery-events", 0, 3, b"a stream", b"an event", {"position": b"3"})
    letters.put(about, consumer="projections", reason="KeyError", trace="")
    assert "1 dead letters of events are open, first delivery-events:0" in refused(place)


def test_topics_that_hold_something_else_are_refused(place: Installation) -> None:
    place.fill()
    old, new = place.prefix, f"{place.prefix}two-"
    create_topics(place.addresses.kafka_bootstrap, new, all_topics().values())
    place.use(new)
    place.fill(damage)
    place.use(old)
    assert f"lost at position {LOST}): give a new prefix" in refused(place, new)

"""What is in no log is copied to new topics, at the offsets it has."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from infra.kafka import create_topics, producer_config
from infra.renewing.copying import Copier, NotCopiedError
from infra.verifying.kafka_reader import PartitionReader
from projections.batch import Record
from schemas.topics import all_topics
from tests.support.services import Services

PLACE = "postmark-webhooks", 1


@pytest.fixture
def copier(stack: Services, topic_prefix: str) -> Copier:
    """Between two empty versions of one topic."""
    copies = Copier(stack.kafka_bootstrap, f"{topic_prefix}one-", f"{topic_prefix}two-")
    for prefix in (copies.before, copies.after):
        create_topics(stack.kafka_bootstrap, prefix, [all_topics()[PLACE[0]]])
    return copies


def post(copier: Copier, prefix: str, *bodies: bytes) -> None:
    producer = Producer(producer_config(copier.bootstrap))
    for body in bodies:
        headers: list[tuple[str, str | bytes | None]] = [("body", body), ("none", None)]
        producer.produce(prefix + PLACE[0], body, b"key" + body, headers=headers, partition=1)
    assert producer.flush(30) == 0


def records(copier: Copier, prefix: str) -> list[Record]:
    with PartitionReader(copier.bootstrap, prefix, [PLACE]) as reader:
        return list(reader.records(PLACE))


def test_copies_are_the_same_at_the_same_offsets(copier: Copier) -> None:
    post(copier, copier.before, b"one", b"two", b"three", b"four")

    assert copier.copy(PLACE, 1) == 3

    found = records(copier, copier.after)
    assert found == records(copier, copier.before)[1:]
    assert [(each.offset, each.value) for each in found] == [
        (1, b"two"), (2, b"three"), (3, b"four")
    ]  # fmt: skip


def test_the_next_record_of_an_empty_partition_keeps_its_offset(copier: Copier) -> None:
    post(copier, copier.before, b"one", b"two")

    assert copier.copy(PLACE, 2) == 0

    for prefix in (copier.before, copier.after):
        post(copier, prefix, b"next")
    assert [(each.offset, each.value) for each in records(copier, copier.after)] == [(2, b"next")]


def test_copying_goes_on_where_it_ended(copier: Copier) -> None:
    post(copier, copier.before, b"one", b"two")
    copier.copy(PLACE, 0)
    post(copier, copier.before, b"three", b"four")

    assert copier.copy(PLACE, 1) == 3
    assert copier.copy(PLACE, 3) == 1
    assert copier.copy(PLACE, 3) == 1

    assert [each.value for each in records(copier, copier.after)] == [b"four"]


def test_what_is_no_copy_is_refused(copier: Copier) -> None:
    post(copier, copier.after, b"something else")
    with pytest.raises(NotCopiedError, match="holds records of its own"):
        copier.copy(PLACE, 0)
    post(copier, copier.before, b"one", b"two")
    with pytest.raises(NotCopiedError, match="holds no copies"):
        copier.copy(PLACE, 0)

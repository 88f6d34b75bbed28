"""The tree over a real log: current, whatever the positions and batches; heads signed, anchored."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from domain.audit.merkle import inclusion, root
from infra.audit.anchors import TOPIC
from infra.audit.tree import (
    Tiles,
    heads,
    leaf_at,
    newest_head,
    state_of,
    unfiled_heads,
    unpublished_heads,
)
from infra.audit.verify_bundle import Growing, head_of, leaf_body, leaf_hash, root_of, signed_by
from infra.kafka import consumer_config
from infra.postgres import Connection
from tests.conftest import Database
from tests.support.auditing import SIGNER, AuditedLog, audited_log
from tests.support.services import Services


def independent_root(connection: Connection) -> bytes:
    """The root as the auditor's program computes it, from the events alone."""
    tree = Growing([])
    for position, stream, version, kind, value in connection.execute(
        "SELECT position, stream_id, version, type, bytes FROM log.events ORDER BY position"
    ):
        tree.add(leaf_hash(position, leaf_body(stream, version, kind, value)))
    return tree.root()


def test_the_tree_has_every_event_and_the_root_an_auditor_computes(log: AuditedLog) -> None:
    for count in (1, 254, 1, 1, 600, 90):
        log.append(count)
        log.lose_positions(3)
        log.keep()

        state = state_of(log.worker)
        assert state is not None
        assert state.size == len(log.positions())
        assert state.position == log.positions()[-1]
        assert root(Tiles(log.worker), state.size) == independent_root(log.worker)


def test_every_event_is_proven_by_its_position(log: AuditedLog) -> None:
    for _ in range(4):
        log.append(200)
        log.lose_positions(2)
    log.keep()
    nodes, size = Tiles(log.worker), len(log.positions())
    whole = root(nodes, size)

    for rank, position in enumerate(log.positions()):
        leaf = leaf_at(log.worker, position)
        assert leaf is not None
        assert leaf.index == rank
        assert root_of(leaf.hash, rank, size, inclusion(nodes, rank, size)) == whole
    assert leaf_at(log.worker, 201) is None
    assert leaf_at(log.worker, 0) is None
    assert leaf_at(log.worker, 10**9) is None


def test_a_head_is_signed_when_there_is_enough_news_or_after_a_while(log: AuditedLog) -> None:
    log.append(5)
    log.keep()
    assert [head.size for head in heads(log.worker)] == [5]
    log.append(999)
    log.keep()
    assert [head.size for head in heads(log.worker)] == [5]
    log.append(1)
    log.keep()
    assert [head.size for head in heads(log.worker)] == [5, 1005]
    log.append(1)
    log.sign()
    log.sign()

    signed = heads(log.worker)
    assert [head.size for head in signed] == [5, 1005, 1006]
    for head in signed:
        read = head_of(json.loads(head.line))
        assert signed_by(SIGNER.public_key, read.signed(), read.signature)
    assert signed[-1].root == independent_root(log.worker).hex()
    assert newest_head(log.worker) == signed[-1]


def published(bootstrap: str, topic: str, count: int) -> list[str]:
    consumer = Consumer(consumer_config(bootstrap))
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found = consumer.consume(count, timeout=20)
        return [(message.value() or b"").decode() for message in found]
    finally:
        consumer.close()


def test_heads_stand_in_the_file_and_on_kafka(
    log: AuditedLog, stack: Services, topic_prefix: str
) -> None:
    for _ in range(3):
        log.append(10)
        log.sign()

    signed = [head.line for head in heads(log.worker)]
    assert len(signed) == 3
    assert log.heads.read_text().splitlines() == signed
    assert published(stack.kafka_bootstrap, topic_prefix + TOPIC, 3) == signed
    assert unpublished_heads(log.worker) == []


def test_heads_wait_for_kafka_and_the_file_has_them_meanwhile(
    database: Database, tmp_path: Path
) -> None:
    with audited_log(database, tmp_path, "127.0.0.1:1", "away-") as log:
        log.append(10)

        assert not log.keeper.work(log.worker)

        assert len(log.heads.read_text().splitlines()) == 1
        waiting = log.worker.execute(
            "SELECT size, filed_at IS NULL, published_at IS NULL FROM log.tree_heads"
        ).fetchall()
        assert waiting == [(10, False, True)]


def test_heads_reach_kafka_also_when_the_file_cannot_be_written(
    log: AuditedLog, stack: Services, topic_prefix: str
) -> None:
    log.heads.parent.write_text("a file where the folder should be")
    log.append(10)

    log.keep()

    assert unpublished_heads(log.worker) == []
    assert [head.size for head in unfiled_heads(log.worker)] == [10]
    log.heads.parent.unlink()
    assert log.keeper.anchor(log.worker)
    assert len(log.heads.read_text().splitlines()) == 1
    assert len(published(stack.kafka_bootstrap, topic_prefix + TOPIC, 1)) == 1


def test_two_keepers_at_once_build_one_tree(
    log: AuditedLog, stack: Services, topic_prefix: str, tmp_path: Path, database: Database
) -> None:
    stop = threading.Event()
    with audited_log(database, tmp_path, stack.kafka_bootstrap, topic_prefix, 50) as other:
        threads = [threading.Thread(target=each.keeper.run, args=(stop,)) for each in (log, other)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            log.append(60)
        waited = threading.Event()
        while (state := state_of(log.worker)) is None or state.size < 1_200:
            assert not waited.wait(0.05)
        stop.set()
        for thread in threads:
            thread.join()

    assert state.size == 1_200
    assert root(Tiles(log.worker), 1_200) == independent_root(log.worker)


def test_the_api_reads_the_tree_and_changes_nothing(log: AuditedLog, database: Database) -> None:
    log.append(3)
    log.keep()

    with psycopg.connect(database.api_url, autocommit=True) as api:
        for table in ("tree", "tree_tiles", "tree_heads"):
            rows = api.execute(f"SELECT * FROM log.{table}").fetchall()  # noqa: S608
            assert rows
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                api.execute(f"DELETE FROM log.{table}")  # noqa: S608


def test_a_head_whose_line_was_cut_by_a_crash_is_filed_again(log: AuditedLog) -> None:
    log.append(10)
    log.sign()
    whole = log.heads.read_bytes()
    log.append(10)
    log.sign()
    log.heads.write_bytes(log.heads.read_bytes()[:-40])
    log.worker.execute("UPDATE log.tree_heads SET filed_at = NULL WHERE size = 20")

    log.keeper.anchor(log.worker)

    lines = log.heads.read_bytes()
    assert lines.startswith(whole)
    assert [json.loads(line)["size"] for line in lines.splitlines()] == [10, 20]

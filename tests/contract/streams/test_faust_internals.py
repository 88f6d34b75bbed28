"""What our transport relies on beneath Faust's public interface, for the pinned version.

An upgrade of Faust that breaks one of these breaks consumption silently: it loses the positions,
the isolation level or whole batches. Read streams/transport.py again before changing this file.
"""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from inspect import getsource

import faust.app.base
import faust.streams
import pytest
from aiokafka import AIOKafkaConsumer
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage
from mode.utils.queues import FlowControlEvent

from streams.app import StreamSettings, build_app
from streams.transport import BatchConsumer

PINNED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0", "mode-streaming": "0.7.1"}


@pytest.mark.parametrize("name", sorted(PINNED))
def test_the_versions_are_the_ones_this_was_proven_with(name: str) -> None:
    assert version(name) == PINNED[name]


@pytest.mark.parametrize(
    ("owner", "method", "parameters"),
    [
        (driver.Consumer, "seek_to_committed", ["self"]),
        (driver.Consumer, "getmany", ["self", "timeout"]),
        (driver.Consumer, "_wait_next_records", ["self", "timeout"]),
        (driver.Consumer, "_new_consumer_thread", ["self"]),
        (driver.Consumer, "ack", ["self", "message"]),
        (driver.Consumer, "commit", ["self", "topics", "start_new_transaction"]),
        (driver.Consumer, "_add_gap", ["self", "tp", "offset_from", "offset_to"]),
        (driver.Consumer, "_get_active_partitions", ["self"]),
        (driver.Consumer, "perform_seek", ["self"]),
        (driver.Consumer, "seek_wait", ["self", "partitions"]),
        (driver.Consumer, "position", ["self", "tp"]),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer", ["self", "transport"]),
        (driver.Transport, "create_consumer", ["self", "callback", "kwargs"]),
        (faust.app.base.App, "_create_directories", ["self"]),
    ],
)
def test_what_we_override_or_call_has_this_shape(
    owner: type, method: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(owner, method)).parameters) == parameters


def test_every_way_back_into_a_partition_goes_through_our_positions() -> None:
    assert "self.seek_to_committed()" in inspect.getsource(Consumer.perform_seek)
    assert inspect.getsource(Recovery).count("consumer.perform_seek()") == 2


def test_aiokafka_still_reads_the_settings_we_change_after_construction() -> None:
    start = inspect.getsource(AIOKafkaConsumer.start)
    assert "self._isolation_level" in start
    assert "self._fetch_max_wait_ms" in start


def test_faust_asks_for_offsets_only_to_commit_them() -> None:
    """So that a consumer which never commits need not remember them."""
    readers = {
        name
        for name, member in vars(Consumer).items()
        if inspect.isfunction(member) and re.search(r"self\._(gap|acked)\b", getsource(member))
    }
    assert readers == {
        "__init__", "ack", "_add_gap", "_new_offset", "_filter_tps_with_pending_acks",
        "on_partitions_revoked",
    }  # fmt: skip


def test_a_message_carries_the_generation_that_a_stream_checks() -> None:
    assert "generation_id" in inspect.signature(ConsumerMessage.__init__).parameters
    assert "generation_id" in inspect.getsource(faust.streams.Stream)


def test_a_rebalance_empties_the_queues_so_that_old_batches_do_not_come_late() -> None:
    assert "self.clear()" in inspect.getsource(FlowControlEvent.resume)


def test_what_we_add_to_the_consumer_hides_nothing_of_fausts() -> None:
    added = {name for name in vars(BatchConsumer) | BatchConsumer.__annotations__ if name[0] != "_"}
    ours = {"next_offsets", "fail_process", "topic_prefix", "prefetch", "fetch_positions"}

    assert ours <= added
    assert [name for name in ours if hasattr(driver.Consumer, name)] == []


def test_the_app_commits_nothing_of_its_own_and_waits_for_nobody_at_the_end() -> None:
    conf = build_app("seen", StreamSettings("a:1,b:2", "p-")).conf

    assert conf.id == "p-seen"
    assert [str(url) for url in conf.broker] == ["kafka://a:1", "kafka://b:2"]
    assert conf.stream_wait_empty is False
    assert conf.topic_disable_leader is True
    assert conf.topic_allow_declare is False
    assert conf.web_enabled is False
    assert conf.table_standby_replicas == 0
    assert conf.broker_session_timeout == 6.0
    assert conf.stream_buffer_maxsize > StreamSettings("a:1").prefetch

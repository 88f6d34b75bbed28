"""The relay as a process of its own, and events to relay, for tests that kill it."""

from __future__ import annotations

import signal
import sys
import threading
from uuid import UUID

from confluent_kafka import Consumer, TopicPartition

from infra.event_log import NewEvent, append
from infra.kafka import consumer_config
from infra.postgres import connect
from infra.relay import Relay, RelaySettings
from tests.support.child import announce, log_to_stderr

ORGANIZATION = str(UUID(int=7))
EVENT_TYPE, TOPIC = "TurnReceived", "conversation-events"
TOPIC_OF = {EVENT_TYPE: TOPIC}


def append_events(postgres_url: str, count: int, *, each: int, streams: int = 5) -> None:
    """Append so many events in transactions of `each`, spread over a few streams."""
    versions: dict[str, int] = {}
    with connect(postgres_url, autocommit=True) as connection:
        for first in range(0, count, each):
            events = []
            for number in range(first, min(first + each, count)):
                stream = str(UUID(int=1_000 + number % streams))
                versions[stream] = versions.get(stream, 0) + 1
                value = b"event %d" % number
                events.append(NewEvent(stream, versions[stream], EVENT_TYPE, ORGANIZATION, value))
            append(connection, events)


def log_positions(postgres_url: str) -> dict[int, tuple[str, bytes]]:
    """Stream and value of everything in the log, by position."""
    with connect(postgres_url) as connection:
        rows = connection.execute("SELECT position, stream_id, bytes FROM log.events").fetchall()
    return {position: (stream, value) for position, stream, value in rows}


def records_on(
    bootstrap: str, prefix: str, topic: str, *, partitions: int = 4, committed: bool = True
) -> list[tuple[int, int, str, bytes]]:
    """(partition, position, key, value) of every record of a topic, in offset order."""
    isolation = "read_committed" if committed else "read_uncommitted"
    consumer = Consumer(
        consumer_config(bootstrap, enable_partition_eof=True, isolation_level=isolation)
    )
    consumer.assign([TopicPartition(prefix + topic, part, 0) for part in range(partitions)])
    found: list[tuple[int, int, str, bytes]] = []
    ended = 0
    while ended < partitions:
        message = consumer.poll(10)
        assert message is not None, "the topic could not be read to its end"
        if message.error() is not None:
            ended += 1
            continue
        headers = dict(message.headers() or [])
        key, value = message.key() or b"", message.value() or b""
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        position = int(headers.get("position") or 0)
        found.append((message.partition() or 0, position, key.decode(), value))
    consumer.close()
    return found


def main() -> None:
    """BOOTSTRAP POSTGRES_URL PREFIX: relay until SIGTERM, printing `ready` once."""
    log_to_stderr()
    bootstrap, postgres_url, prefix = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    relay = Relay(
        RelaySettings(bootstrap, postgres_url, prefix, batch=100),
        TOPIC_OF,
        on_ready=announce,
    )
    relay.run(stop)


if __name__ == "__main__":
    main()

"""News from Kafka to whoever waits in this process: every replica reads everything, from the end.

Without a group, because each replica has waiters of its own. Nothing here is stored or decided:
a bell only says that looking at Postgres is worth while.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from infra.kafka import consumer_config
from schemas.codec import Codec
from schemas.topics import all_topics

PUSHED: Final = ("conversation-events", "campaign-events", "delivery-events")
_log = structlog.get_logger("push")


class AsyncBell:
    """A bell in one event loop that any thread may ring."""

    def __init__(self, listen: Callable[[AsyncBell, str], None]) -> None:
        self.subjects: set[str] = set()
        self._listen = listen
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def also(self, subject: str) -> None:
        """Ring for this id too."""
        if subject not in self.subjects:
            self.subjects.add(subject)
            self._listen(self, subject)

    def ring(self) -> None:
        """From any thread; quiet when the loop is gone."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, seconds: float) -> bool:
        """Until it rings, at most so long; whether it rang."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class KafkaNews:
    """The News port. A context manager: reads in a thread while it is open."""

    def __init__(self, bootstrap: str, prefix: str, codec: Codec) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._codec = codec
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._bells: defaultdict[str, set[AsyncBell]] = defaultdict(set)
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)

    def __enter__(self) -> KafkaNews:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    @contextmanager
    def watch(self, *subjects: str) -> Iterator[AsyncBell]:
        """A bell for conversations and campaigns with these ids."""
        bell = AsyncBell(self._listen)
        for subject in subjects:
            bell.also(subject)
        try:
            yield bell
        finally:
            with self._lock:
                for subject in bell.subjects:
                    self._bells[subject].discard(bell)
                    if not self._bells[subject]:
                        del self._bells[subject]

    def _listen(self, bell: AsyncBell, subject: str) -> None:
        with self._lock:
            self._bells[subject].add(bell)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._read()
            except KafkaException as error:
                _log.warning("push is interrupted", reason=str(error))
                self._stop.wait(1)

    def _read(self) -> None:
        config = consumer_config(self._bootstrap, auto_offset_reset="latest", fetch_wait_max_ms=500)
        consumer = Consumer(config)
        try:
            consumer.assign(
                [
                    TopicPartition(self._prefix + name, partition, OFFSET_END)
                    for name in PUSHED
                    for partition in range(all_topics()[name].partitions)
                ]
            )
            while not self._stop.is_set():
                message = consumer.poll(0.25)  # consume() would wait for a full batch
                if message is not None and message.error() is None:
                    self._announced(message)
        finally:
            consumer.close()

    def _announced(self, message: Message) -> None:
        try:
            self._announce(message)
        except Exception as error:  # noqa: BLE001 - consumers with a dead-letter topic judge it
            _log.warning("no news in a record", topic=message.topic(), reason=repr(error))

    def _announce(self, message: Message) -> None:
        if not self._bells:
            return
        with self._lock:
            bells = list(self._bells.get(self._subject(message), ()))
        for bell in bells:
            bell.ring()

    def _subject(self, message: Message) -> str:
        """The conversation or campaign that the record is news about; empty for no news."""
        topic = (message.topic() or "").removeprefix(self._prefix)
        key = bytes(message.key() or b"").decode()
        if topic == "campaign-events":
            return key
        headers = dict(message.headers() or [])
        if topic == "conversation-events":
            return key if headers.get("type") == b"ReplyGiven" else ""
        event = self._codec.decode(bytes(message.value() or b""), 0, None)
        return str(event.data.get("campaign_id") or "")

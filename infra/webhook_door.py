"""The door for webhooks: credentials held in memory, raw bodies to Kafka."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Final, Self

import psycopg
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from starlette.concurrency import run_in_threadpool

from domain.shared.errors import UnavailableError
from infra.kafka import producer_config
from infra.postgres import Connection

_log = structlog.get_logger("api.webhooks")
_TOPIC: Final = "postmark-webhooks"
_NOBODY: Final = ("", b"\x00" * 32)
_READ: Final = (
    "SELECT organization_id, username_hash, password_hash FROM views.find_webhook_organizations()"
)
_PATIENCE: Final = 10.0
"""Seconds a guess waits for a reading: longer than a pool waits for a connection."""
Connections = Callable[[], AbstractContextManager[Connection]]


class WebhookCredentialsInMemory:
    """Hashes of all credentials, read when it is entered, on nudge_views and when asked to.

    A pair that is known stays known while Postgres is away. `known` is thread-safe, `looked_up`
    for one event loop.
    """

    def __init__(self, listening: Connections, pooled: Connections, settle: float = 0.5) -> None:
        """`listening` gives autocommit connections, `pooled` those of a pool; `settle`: seconds
        between two readings."""
        self._listening = listening
        self._pooled = pooled
        self._settle = settle
        self._next: asyncio.Task[None] | None = None
        self._under_way: asyncio.Task[None] | None = None
        self._known: dict[bytes, tuple[str, bytes]] = {}
        self._reading = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="credentials", daemon=True)

    def known(self, username: str, password: str) -> str | None:
        """The organization, from memory; as long for a wrong user name as for a wrong password."""
        given = hashlib.sha256(password.encode()).digest()
        name = hashlib.sha256(username.encode()).digest()
        organization, wanted = self._known.get(name, _NOBODY)
        return organization if hmac.compare_digest(given, wanted) and organization else None

    async def looked_up(self, username: str, password: str) -> str | None:
        """The organization, after reading again. Raises UnavailableError.

        One reading at a time, on a connection of the pool, whoever asks meanwhile sharing the next:
        many guesses cost Postgres no more than one, and one that gets no answer holds up nobody.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._under_way))
        reading = self._next
        await asyncio.wait({reading}, timeout=_PATIENCE)
        if not reading.done():
            raise UnavailableError("Postgres does not answer")
        try:
            reading.result()
        except psycopg.Error as error:
            raise UnavailableError(str(error)) from error
        return self.known(username, password)

    async def _read_after(self, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None and not earlier.done():
            await asyncio.wait({earlier})
        self._under_way, self._next = self._next, None  # it begins: who asks now needs the next one
        await run_in_threadpool(self._read_again)

    def _read_again(self) -> None:
        with self._pooled() as connection:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        with self._reading:
            rows = connection.execute(_READ).fetchall()
            self._known = {bytes(name): (whose, bytes(password)) for whose, name, password in rows}

    def _follow(self) -> None:
        while not self._closing.is_set():
            try:
                with self._listening() as connection:
                    connection.execute("LISTEN nudge_views")
                    while not self._closing.is_set():
                        self._read(connection)
                        self._closing.wait(self._settle)
                        for _ in connection.notifies(timeout=2.0, stop_after=1):
                            pass
            except psycopg.Error as error:
                _log.warning("webhook credentials stay as they were", reason=str(error))
                self._closing.wait(1.0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()


class KafkaWebhookIntake:
    """Raw webhooks to Kafka. `put` is for one event loop; deliveries are awaited together.

    One producer, fed without blocking; a thread of its own serves the delivery reports and wakes
    the loop once for all that came.
    """

    def __init__(self, bootstrap: str, prefix: str, timeout: float = 5.0) -> None:
        """`timeout` in seconds: after so long Kafka is taken to be away."""
        self._topic = prefix + _TOPIC
        self._config: dict[str, Any] = producer_config(
            bootstrap,
            message_timeout_ms=int(timeout * 1000),
            linger_ms=2,
            queue_buffering_max_kbytes=256 * 1024,
        )
        self._config["error_cb"] = self.on_error
        self._broken = False
        self._producer: Producer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = threading.Event()
        self._reports: deque[tuple[asyncio.Future[None], object]] = deque()
        self._thread = threading.Thread(target=self._serve, name="webhooks", daemon=True)

    async def put(self, organization_id: str, body: bytes) -> None:
        """Returns once all replicas have it. Raises UnavailableError; then it may be there."""
        if self._producer is None:
            raise UnavailableError("the door is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def delivered(error: object, _message: Message) -> None:
            self._reports.append((done, error))

        headers: list[tuple[str, str | bytes | None]] = [
            ("organization", organization_id),
            ("received_at", datetime.now(UTC).isoformat()),
        ]
        try:
            self._producer.produce(self._topic, body, headers=headers, on_delivery=delivered)
        except (KafkaException, BufferError) as error:
            raise UnavailableError(f"{self._topic}: {error}") from error
        await done

    def on_error(self, error: KafkaError) -> None:
        """Told by the producer; after a fatal error it takes nothing ever again."""
        if error.fatal():
            _log.error("another producer is needed", reason=error.str())
            self._broken = True

    def _serve(self) -> None:
        while not self._closing.is_set():
            assert self._producer and self._loop  # noqa: S101, PT018 - set before the start
            self._producer.poll(0.1)
            if self._broken and not self._closing.is_set():
                self._replace(self._producer)
            if self._reports:
                self._loop.call_soon_threadsafe(self._settle)

    def _replace(self, broken: Producer) -> None:
        """A producer that loses step with its broker is of no use: the next one begins anew."""
        self._broken = False
        self._producer = Producer(self._config)
        broken.purge()
        broken.flush(1)

    def _settle(self) -> None:
        while self._reports:
            done, error = self._reports.popleft()
            if done.done():
                continue  # the client left
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(UnavailableError(f"{self._topic}: {error}"))

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._config)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.flush(5)

"""A stream process: Faust fetches record batches, the guard hands them to one handler."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as NoAnswerError
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import faust
import structlog
import uvloop
from mode.supervisors import CrashingSupervisor

from streams.guard import Abandoned, Guard, GuardSettings
from streams.poison import Backoff, classify
from streams.ports import DeadLetters, Ends, Handler, Partition, StopProcess
from streams.transport import BatchTransport, Chunk, batch_of
from streams.watchdog import Progress, Watchdog

_log = structlog.get_logger("streams.app")
_POLL = 0.05
_STOP_TIMEOUT = 15.0


@dataclass(frozen=True)
class StreamSettings:
    """How a stream process consumes. Times in seconds."""

    kafka_bootstrap: str
    topic_prefix: str = ""
    max_poll_records: int = 2_000
    prefetch: int = 16
    """Batches fetched ahead of the handler."""
    session_timeout: float = 6.0
    """After so long without a sign of life others take over the partitions."""
    stalled_after: float = 60.0
    guard: GuardSettings = field(default_factory=GuardSettings)


class TablelessApp(faust.App):  # type: ignore[misc]
    """An app that keeps nothing in the working directory."""

    def _create_directories(self) -> None:
        """Stock makes folders for tables; there are none."""


def build_app(name: str, settings: StreamSettings) -> faust.App:
    """A Faust app without tables, web or leader, as the consumer group `prefix + name`."""
    servers = [f"kafka://{server}" for server in settings.kafka_bootstrap.split(",")]
    return TablelessApp(
        f"{settings.topic_prefix}{name}",
        broker=";".join(servers),
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        agent_supervisor=CrashingSupervisor,
        broker_max_poll_records=settings.max_poll_records,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 3,
        # a batch may be retried for as long as a store is away
        broker_max_poll_interval=timedelta(days=7).total_seconds(),
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )


class StreamProcess:
    """One consumer, run until stopped. `run` may be called once, in the process's main thread."""

    def __init__(
        self,
        handler: Handler,
        dead_letters: DeadLetters,
        ends: Ends,
        settings: StreamSettings,
    ) -> None:
        self._handler = handler
        self._settings = settings
        self._ends = ends
        self._guard = Guard(handler, dead_letters, settings.guard)
        self._failure: BaseException | None = None
        self._handled: dict[Partition, int] = {}
        self.app: faust.App | None = None

    def run(self, stop: threading.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Consume until `stop` is set, then finish the batch in hand and leave the group.

        `on_ready` is called once partitions are assigned and positioned. Raises StopProcess, with
        one line that says why, when the process must not go on.
        """
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._run(stop, on_ready))

    async def _run(self, stop: threading.Event, on_ready: Callable[[], None]) -> None:
        app = self._assemble()
        loop = asyncio.get_running_loop()
        watchdog = Watchdog(
            self._handler.name,
            lambda: self._look_from_outside(loop),
            self._ends,
            limit=self._settings.stalled_after,
        )
        try:
            await app.start()
            watchdog.start()
            await self._until_stopped(app, stop, on_ready)
        except StopProcess:
            raise
        except Exception as error:
            raise StopProcess(f"{self._handler.name}: {type(error).__name__}: {error}") from error
        finally:
            watchdog.stop()
            self._guard.stop()
            await self._leave(app)

    def _assemble(self) -> faust.App:
        """The app with our transport and its one agent; inside the loop, which both bind to."""
        settings, handler = self._settings, self._handler
        app = self.app = build_app(handler.name, settings)
        app.transport = BatchTransport(
            app,
            self._next_offsets,
            self._fail,
            prefix=settings.topic_prefix,
            prefetch=settings.prefetch,
        )
        topics = [settings.topic_prefix + topic for topic in handler.topics]
        app.agent(app.topic(*topics), name=handler.name)(self._consume)
        return app

    async def _consume(self, stream: Any) -> None:
        """The agent: one batch after the other. It never lets an exception out and never goes on
        behind a batch that is not done, because Faust would take either for success."""
        async for event in stream.events():
            generation = event.message.generation_id
            try:
                await asyncio.to_thread(self._hand_over, event.value, generation)
            except Abandoned:
                if self._still_ours(generation):
                    await _for_ever()  # we are being stopped
            except Exception as error:  # noqa: BLE001 - nothing escapes an agent
                self._fail(error)
                await _for_ever()

    def _hand_over(self, chunk: Chunk, generation: int) -> None:
        batch = batch_of(chunk, self._settings.topic_prefix)
        self._guard.process(batch, lambda: self._still_ours(generation))
        self._handled[batch.topic, batch.partition] = batch.next_offset

    def _still_ours(self, generation: int) -> bool:
        """Whether no rebalance has happened since; after one everything is fetched again."""
        return self.app is not None and self.app.consumer_generation_id == generation

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    async def _next_offsets(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """The handler's positions; waits while its store is away."""
        attempt = 0
        while True:
            try:
                return await asyncio.to_thread(self._handler.next_offsets, partitions)
            except Exception as error:
                if classify(error, self._settings.guard.transient) == "poison":
                    self._fail(error)
                    raise
                attempt += 1
                _log.warning(
                    "waiting for positions", consumer=self._handler.name, reason=str(error)
                )
            await asyncio.sleep(Backoff().delay(attempt, 0.5))

    async def _until_stopped(
        self, app: faust.App, stop: threading.Event, on_ready: Callable[[], None]
    ) -> None:
        ready = False
        while not stop.is_set():
            error = self._failure or (app.crash_reason if app.crashed else None)
            if error is not None:
                if isinstance(error, StopProcess):
                    raise error
                raise StopProcess(
                    f"{self._handler.name}: {type(error).__name__}: {error}"
                ) from error
            if not ready and app.consumer_generation_id > 0 and not app.rebalancing:
                ready = True
                on_ready()
            await asyncio.sleep(_POLL)

    async def _leave(self, app: faust.App) -> None:
        try:
            await asyncio.wait_for(app.stop(), _STOP_TIMEOUT)
        except Exception as error:  # noqa: BLE001 - we are leaving anyway
            _log.warning(
                "left the group the hard way", consumer=self._handler.name, reason=repr(error)
            )

    def _look_from_outside(self, loop: asyncio.AbstractEventLoop) -> Progress | None:
        try:
            return asyncio.run_coroutine_threadsafe(self._look(), loop).result(10)
        except (NoAnswerError, RuntimeError):
            return None

    async def _look(self) -> Progress:
        app = self.app
        if app is None:
            return Progress()
        consumer = app.consumer
        return Progress(
            positions={} if app.rebalancing else await consumer.fetch_positions(),
            handled=dict(self._handled),
            pending=len(consumer.unacked),
            retrying=self._guard.retrying,
            rebalancing=app.rebalancing,
        )


async def _for_ever() -> None:
    await asyncio.Event().wait()

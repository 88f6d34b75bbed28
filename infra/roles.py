"""Each role as a function that runs until it is told to stop.

Imports are late: a role loads only what it needs, which halves the start of the stack.
"""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from infra.bootstrap import Core
from infra.local.addresses import metrics_port
from infra.settings import Settings
from infra.telemetry import RoleServer
from streams.ports import Handler

_FIRST_VERIFICATION = 60.0
"""Seconds after the start, at most."""


@contextmanager
def _serving(settings: Settings, role: str) -> Iterator[threading.Event]:
    """The role's /ready and /metrics; set the event to be ready."""
    ready = threading.Event()
    with RoleServer(settings.metrics_host, metrics_port(settings, role), ready.is_set):
        yield ready


def run_api(settings: Settings, _stop: threading.Event) -> None:
    """The HTTP API."""
    from infra.web import serve

    serve(settings)


def run_relay(settings: Settings, stop: threading.Event) -> None:
    """Log to Kafka, and beside it the tree over the log."""
    from infra.relay import Relay, RelaySettings

    core = Core.of(settings, "relay")
    with _serving(settings, "relay") as ready, _keeping_the_tree(core, stop):
        Relay(
            RelaySettings(
                core.addresses.kafka_bootstrap,
                core.addresses.postgres_worker_url,
                settings.topic_prefix,
            ),
            on_ready=ready.set,
            reach=core.reach,
        ).run(stop)


@contextmanager
def _beside(
    name: str, work: Callable[..., object], *arguments: object, stop: threading.Event
) -> Iterator[None]:
    """Run the work in a thread while the block runs; it ends by the event, its last argument."""
    thread = threading.Thread(target=work, args=(*arguments, stop), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)


def _keeping_the_tree(core: Core, stop: threading.Event) -> AbstractContextManager[None]:
    """The Merkle tree kept current in a thread: nearly all of its work is done by Postgres."""
    from infra.audit.anchors import HeadsTopic, heads_file
    from infra.audit.keeper import TreeKeeper
    from infra.postgres import connect

    keeper = TreeKeeper(
        functools.partial(
            connect, core.addresses.postgres_worker_url, autocommit=True, application="nudge-tree"
        ),
        core.signer,
        heads_file(core.addresses.data_dir),
        HeadsTopic(core.addresses.kafka_bootstrap, core.settings.topic_prefix),
    )
    return _beside("tree", keeper.run, stop=stop)


def run_projections(settings: Settings, stop: threading.Event) -> None:
    """Kafka to the Postgres read models."""
    from projections.postgres.writer import ProjectionWriter

    core = Core.of(settings, "projections")
    writer = ProjectionWriter(core.pool.connection, core.codec, core.keys, reach=core.reach)
    _consume(core, writer, stop)


def run_analytics(settings: Settings, stop: threading.Event) -> None:
    """Kafka to ClickHouse; and, now and then, whether all stores say what the log says."""
    from infra.preparation import clickhouse
    from projections.clickhouse.bookkeeping import Bookkeeping
    from projections.clickhouse.inserts import Inserter
    from projections.clickhouse.writer import AnalyticsWriter

    core = Core.of(settings, "analytics")
    inserter = Inserter(clickhouse(core.addresses))
    writer = AnalyticsWriter(
        core.codec,
        Bookkeeping(core.pool),
        inserter,
        topics=sorted(core.codec.registry.topics),
        topic_prefix=settings.topic_prefix,
        reach=core.reach,
    )
    try:
        with _beside("verify", _verify, settings, stop=stop), _sweeping(core, stop):
            _consume(core, writer, stop)
    finally:
        writer.close()
        inserter.close()


def _sweeping(core: Core, stop: threading.Event) -> AbstractContextManager[None]:
    """Take out what organizations left behind, while the block runs."""
    from infra.leaving.sweeping import run_sweeps
    from infra.preparation import clickhouse

    return _beside(
        "sweep", run_sweeps, core.pool.connection, lambda: clickhouse(core.addresses), stop=stop
    )


def _verify(settings: Settings, stop: threading.Event) -> None:
    """Compare all stores with the log now and then, unless never.

    Its code is loaded when it is time: a start does not wait for it.
    """
    every = settings.verify_every.total_seconds()
    if not every or stop.wait(min(every, _FIRST_VERIFICATION)):
        return
    from infra.verifying.schedule import run_schedule
    from infra.verifying.verifier import Verifier

    core = Core.of(settings, "verify")
    run_schedule(Verifier(core, gentle=True, stop=stop).verify, every, stop)
    core.pool.close()


def run_reactions(settings: Settings, stop: threading.Event) -> None:
    """Kafka to what happens next: runs of campaigns, webhooks, work for the effects."""
    import uuid

    from infra.dead_letters import KafkaDeadLetters
    from infra.postgres import connect
    from infra.worker_log import PostgresWorkerLog
    from streams.agents.addresses import Addresses
    from streams.agents.reactions import Reactions
    from streams.agents.timers import Timers, run_timers

    core = Core.of(settings, "reactions")
    log = PostgresWorkerLog(core.pool, core.codec, core.writer, core.keys, "system:reactions")
    addresses = Addresses(core.hasher, uuid.uuid4)
    timers = Timers(
        log,
        addresses,
        KafkaDeadLetters(core.addresses.kafka_bootstrap, settings.topic_prefix),
        settings.unknown_message_wait,
    )
    listen = functools.partial(
        connect, core.addresses.postgres_worker_url, autocommit=True, application="nudge-timers"
    )
    with _beside("timers", run_timers, timers, listen, stop=stop):
        _consume(core, Reactions(log, core.codec, addresses), stop)


def _relax_garbage_collection() -> None:
    """Decoding makes many short-lived objects and no cycles: collecting rarely saves a fifth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run_effects(settings: Settings, stop: threading.Event) -> None:
    """Postmark: sending, resolving, registering webhooks."""
    from infra.heartbeat import Heartbeat
    from infra.local.processes import heartbeat_file

    core = Core.of(settings, "effects")
    with Heartbeat(heartbeat_file(core.addresses.data_dir, "effects")).while_starting():
        from infra.effects import Effects

        effects = Effects.of(core)
    with _serving(settings, "effects") as ready:
        effects.run(stop, ready.set)
    core.pool.close()


def _consume(core: Core, handler: Handler, stop: threading.Event) -> None:
    from infra.dead_letters import KafkaDeadLetters
    from infra.kafka import KafkaWatermarks
    from infra.keys import ERASURES
    from infra.wakeups import Wakeups
    from streams.app import StreamProcess, StreamSettings

    settings = core.settings
    bootstrap = core.addresses.kafka_bootstrap
    process = StreamProcess(
        handler,
        KafkaDeadLetters(bootstrap, settings.topic_prefix),
        KafkaWatermarks(bootstrap, settings.topic_prefix),
        StreamSettings(bootstrap, settings.topic_prefix),
    )
    _relax_garbage_collection()
    channels = {} if core.role == "analytics" else {ERASURES: core.keys.forget}  # it has no keys
    forgetting = Wakeups(core.addresses.postgres_worker_url, channels)
    with _serving(settings, core.role) as ready, forgetting:
        process.run(stop, ready.set)
    core.pool.close()

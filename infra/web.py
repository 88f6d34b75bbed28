"""The API process: the application over real stores, served by uvicorn."""

from __future__ import annotations

import functools
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from api.app import build_app
from api.ports import BodyLimits, Connection, RateLimits, Services, SocketLimits
from api.routers.keys.book import CHANGED
from domain.shared.errors import UnavailableError
from infra.analytics_reads import ClickHouseAnalytics
from infra.audit.proving import NoProofError, prove_event
from infra.audit.tree import TreeDamagedError
from infra.bootstrap import Core
from infra.clock import MovableClock
from infra.dependencies import Dependencies
from infra.http_heads import http_protocol
from infra.imports.importer import ContactImports
from infra.key_traffic import PostgresKeyTraffic
from infra.keys import ERASURES
from infra.ledger.deciding import LedgerDecisions
from infra.ledger.unsubscribing import LedgerUnsubscriptions
from infra.people.wiring import people_of
from infra.postgres import connect, organization_transaction
from infra.push import KafkaNews
from infra.settings import Settings
from infra.wakeups import Wakeups
from infra.webhook_door import KafkaWebhookIntake, WebhookCredentialsInMemory
from schemas.codec import Event


class PostgresReads:
    """Read models through the API's login, which row-level security binds."""

    def __init__(self, core: Core) -> None:
        self._pool = core.pool

    @contextmanager
    def of(self, organization_id: str) -> Iterator[Connection]:
        with organization_transaction(self._pool, organization_id) as connection:
            yield connection

    @contextmanager
    def anonymous(self) -> Iterator[Connection]:
        with self._pool.connection() as connection:
            yield connection


def api_services(core: Core) -> Services:
    """What the application is given."""

    def decode_events(
        connection: Connection, values: Sequence[tuple[bytes, int]], unsealed: bool
    ) -> list[Event]:
        return core.codec.decode_batch(values, core.keys.on(connection) if unsealed else None)

    def prove(connection: Connection, position: int) -> dict[str, Any]:
        try:
            return prove_event(connection, position)
        except (NoProofError, TreeDamagedError) as error:
            raise UnavailableError(str(error)) from None

    credentials = WebhookCredentialsInMemory(
        functools.partial(connect, core.addresses.postgres_api_url, autocommit=True),
        core.pool.connection,
    )
    intake = KafkaWebhookIntake(core.addresses.kafka_bootstrap, core.settings.topic_prefix)
    clock = MovableClock(core.pool)
    news = KafkaNews(core.addresses.kafka_bootstrap, core.settings.topic_prefix, core.codec)

    key_traffic = PostgresKeyTraffic(core.pool, core.commands)
    forgetting = Wakeups(
        core.addresses.postgres_api_url,
        {ERASURES: core.keys.forget, CHANGED: key_traffic.changed},
    )

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        with credentials, intake, news, clock, forgetting, key_traffic:
            yield
        core.pool.close()

    return Services(
        commands=core.commands,
        held=LedgerDecisions(),
        unsubscriptions=LedgerUnsubscriptions(uuid.uuid4),
        reads=PostgresReads(core),
        readiness=Dependencies(core),
        clock=clock,
        new_id=uuid.uuid4,
        decode_events=decode_events,
        prove_event=prove,
        hash_address=core.hasher,
        erasures=core.erasures,
        departures=core.departures,
        analytics=ClickHouseAnalytics(core.addresses),
        public_url=(core.settings.public_url or core.settings.base_url).rstrip("/"),
        imports=ContactImports(core.commands, core.hasher, uuid.uuid4),
        webhook_credentials=credentials,
        webhook_intake=intake,
        unsubscribe_secret=core.secret("unsubscribe"),
        news=news,
        sockets=_socket_limits(core.settings),
        rates=_rate_limits(core.settings),
        bodies=BodyLimits(core.settings.body_wait.total_seconds(), core.settings.body_pace),
        key_traffic=key_traffic,
        cors_origins=core.settings.cors_origins,
        running=running,
        people=people_of(core, clock),
    )


def _socket_limits(settings: Settings) -> SocketLimits:
    return SocketLimits(
        message_bytes=settings.ws_max_message_bytes,
        messages_per_second=settings.ws_messages_per_second,
        heartbeat=settings.ws_heartbeat.total_seconds(),
        idle=settings.ws_idle.total_seconds(),
        connections=settings.ws_max_connections,
    )


def _rate_limits(settings: Settings) -> RateLimits:
    return RateLimits(
        key=settings.limit_key,
        user=settings.limit_user,
        organization=settings.limit_organization,
        address=settings.limit_address,
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    app = build_app(api_services(Core.of(settings, "api")))
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=http_protocol(settings.body_wait.total_seconds()),
        access_log=False,
        server_header=False,
        # Only whom we were told to trust may say whose request it passes on.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        log_config=None,
        timeout_graceful_shutdown=5,
        ws_max_size=settings.ws_max_message_bytes,
        ws_ping_interval=settings.ws_heartbeat.total_seconds(),
        ws_ping_timeout=settings.ws_heartbeat.total_seconds(),
        backlog=4096,
    )

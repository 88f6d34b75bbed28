"""The stores made ready for the roles: database, migrations, topics, analytics tables."""

from __future__ import annotations

import sys
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from domain.shared.errors import UnavailableError
from infra.bootstrap import Core
from infra.database import make_database, migrate
from infra.kafka import create_topics
from infra.local.addresses import Addresses, resolve
from infra.people.token_keys import KEEPS_SIGNING
from infra.people.wiring import token_keys
from infra.postgres import connect as connect_postgres
from infra.settings import Settings
from infra.topic_versions import refuse_other_topics
from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate as migrate_clickhouse
from schemas.topics import all_topics


def prepare(settings: Settings, wait_for: Callable[[str], None] = lambda _store: None) -> None:
    """Make the stores ready for the roles; again changes nothing.

    `wait_for` is told each store before it is touched, and returns when it answers; Kafka, which
    takes longest to start, comes last. Raises WrongTopicsError.
    """
    addresses = resolve(settings)
    wait_for("postgres")
    if addresses.postgres_admin_url is not None:
        make_database(
            addresses.postgres_admin_url,
            addresses.postgres_owner_url,
            addresses.postgres_worker_url,
            addresses.postgres_api_url,
        )
    migrate(addresses.postgres_owner_url)
    with connect_postgres(addresses.postgres_owner_url, autocommit=True) as connection:
        refuse_other_topics(connection, settings.topic_prefix)
    wait_for("clickhouse")
    with clickhouse(addresses) as client:
        migrate_clickhouse(client)
    make_token_key(Core(settings, addresses, "prepare"))
    complete_erasure_ledger(Core(settings, addresses, "prepare"))
    wait_for("kafka")
    create_topics(addresses.kafka_bootstrap, settings.topic_prefix, all_topics().values())


def make_token_key(core: Core) -> None:
    """A key for access tokens, where there is none young enough."""
    try:
        with core.pool.connection() as connection:
            token_keys(core).rotate(connection, only_after=KEEPS_SIGNING)
    finally:
        core.pool.close()


def complete_erasure_ledger(core: Core) -> None:
    """Give the ledger the certificates that a crash kept from it; one line when it is broken.

    Nobody is kept from working by it, but nobody can be erased until it is mended.
    """
    try:
        with core.pool.connection() as connection:
            core.erasures.catch_up(connection)
            core.departures.catch_up(connection)
    except (UnavailableError, OSError) as error:
        print(f"the erasure ledger: {error}", file=sys.stderr, flush=True)  # noqa: T201
    finally:
        core.pool.close()


def clickhouse(addresses: Addresses) -> Client:
    """A ClickHouse client. Raises clickhouse-connect's OperationalError when it is away."""
    return connect(
        addresses.clickhouse_url, addresses.clickhouse_username, addresses.clickhouse_password
    )

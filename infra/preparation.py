"""The stores made ready for the roles: database, migrations, topics, analytics tables."""

from __future__ import annotations

from clickhouse_connect.driver.client import Client

from infra.database import make_database, migrate
from infra.kafka import create_topics
from infra.local.addresses import Addresses, resolve
from infra.settings import Settings
from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate as migrate_clickhouse
from schemas.topics import all_topics


def prepare(settings: Settings) -> None:
    """Make the stores ready for the roles; again changes nothing."""
    addresses = resolve(settings)
    if addresses.postgres_admin_url is not None:
        make_database(
            addresses.postgres_admin_url,
            addresses.postgres_owner_url,
            addresses.postgres_worker_url,
            addresses.postgres_api_url,
        )
    migrate(addresses.postgres_owner_url)
    create_topics(addresses.kafka_bootstrap, settings.topic_prefix, all_topics().values())
    with clickhouse(addresses) as client:
        migrate_clickhouse(client)


def clickhouse(addresses: Addresses) -> Client:
    """A ClickHouse client. Raises clickhouse-connect's OperationalError when it is away."""
    return connect(
        addresses.clickhouse_url, addresses.clickhouse_username, addresses.clickhouse_password
    )

"""An installation of its own: a log, topics filled from it, read models and ClickHouse tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from infra.bootstrap import Core
from infra.kafka import create_topics
from infra.rebuilding.analytics import AnalyticsDesk
from infra.rebuilding.filling import AnalyticsAccess
from infra.verifying.verifier import Verdict, Verifier
from schemas.topics import all_topics
from tests.benchmarks.workload import delivery_events
from tests.conftest import Database
from tests.integration.analytics.conftest import (  # noqa: F401 - fixtures, used by name
    BY_HAND,
    MakeWriter,
    clickhouse,
    empty_clickhouse,
    make_writer,
    pool,
)
from tests.support.log_batches import LogBatches
from tests.support.rebuilding import Models, models
from tests.support.services import Services
from tests.support.topic_filling import fill_topics


@dataclass
class Installation:
    """What `nudge verify` looks at."""

    models: Models
    core: Core
    clickhouse: Client
    analytics: AnalyticsDesk

    def verify(self, *stores: str) -> Verdict:
        """Compare the stores; without any named, all."""
        verifier = Verifier(self.core, clickhouse_database=str(self.clickhouse.database))
        return verifier.verify(stores) if stores else verifier.verify()


@pytest.fixture
def installation(
    stack: Services,
    database: Database,
    clickhouse: Client,  # noqa: F811
    make_writer: MakeWriter,  # noqa: F811
    topic_prefix: str,
    tmp_path: Path,
) -> Iterator[Installation]:
    """Some thousand events, the same everywhere but on Kafka, which a test fills itself."""
    with models(database, tmp_path) as world:
        world.append_history(5, streams=150)
        world.append(delivery_events(4_000))
        world.live()
        writer = make_writer(BY_HAND)
        LogBatches(world.conn).pump(writer)
        writer.flush()
        at = replace(
            stack.addresses,
            postgres_owner_url=database.owner_url,
            postgres_worker_url=database.worker_url,
            master_key_file=world.access.master_key_file,
        )
        settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix})
        core = Core(settings, at, "verify")
        create_topics(at.kafka_bootstrap, topic_prefix, all_topics().values())
        login = (at.clickhouse_url, at.clickhouse_username, at.clickhouse_password)
        access = AnalyticsAccess(database.owner_url, login, str(clickhouse.database))
        yield Installation(world, core, clickhouse, AnalyticsDesk(access))
        core.pool.close()


@pytest.fixture
def whole(installation: Installation) -> Installation:
    """The same with topics filled as the relay fills them."""
    fill_topics(installation.core, installation.models.conn)
    return installation

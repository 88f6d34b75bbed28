"""Read models on databases of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from infra.rebuilding.analytics import AnalyticsDesk
from infra.rebuilding.filling import AnalyticsAccess
from tests.conftest import Database
from tests.integration.analytics.conftest import (  # noqa: F401 - fixtures, used by name
    MakeWriter,
    clickhouse,
    empty_clickhouse,
    make_writer,
    pool,
)
from tests.support.rebuilding import Models, models
from tests.support.services import Services


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[Models]:
    with models(database, tmp_path) as made:
        yield made


@pytest.fixture
def access(stack: Services, database: Database, clickhouse: Client) -> AnalyticsAccess:  # noqa: F811
    """Where the test's log and ClickHouse database are."""
    login = (stack.clickhouse_url, stack.clickhouse_username, stack.clickhouse_password)
    return AnalyticsAccess(database.owner_url, login, str(clickhouse.database))


@pytest.fixture
def analytics(access: AnalyticsAccess) -> AnalyticsDesk:
    return AnalyticsDesk(access)

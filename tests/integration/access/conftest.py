"""One API for all tests of a module: each has keys of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate
from tests.conftest import fresh_database
from tests.support.api import Api, running_api
from tests.support.services import Services


@pytest.fixture(scope="module")
def shared(stack: Services) -> Iterator[Api]:
    migrate(connect(stack.clickhouse_url, stack.clickhouse_username, stack.clickhouse_password))
    with fresh_database(stack) as database, running_api(stack, database) as running:
        yield running

"""The API over a database of its own; one for all tests of a module that only ask badly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Database, fresh_database
from tests.support.api import Api, running_api
from tests.support.services import Services


@pytest.fixture
def api(stack: Services, database: Database) -> Iterator[Api]:
    with running_api(stack, database) as running:
        yield running


@pytest.fixture(scope="module")
def shared(stack: Services) -> Iterator[Api]:
    with fresh_database(stack) as database, running_api(stack, database) as running:
        yield running

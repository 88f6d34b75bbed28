"""The entrance over a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Database, fresh_database
from tests.support.api import running_api
from tests.support.people import Entrance
from tests.support.services import Services


@pytest.fixture
def entrance(stack: Services, database: Database) -> Iterator[Entrance]:
    with running_api(stack, database) as api:
        yield Entrance(api)


@pytest.fixture(scope="module")
def shared(stack: Services) -> Iterator[Entrance]:
    """One for all tests of a module that leave each other alone."""
    with fresh_database(stack) as database, running_api(stack, database) as api:
        yield Entrance(api)

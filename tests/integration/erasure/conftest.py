"""The API over a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.support.api import Api, running_api
from tests.support.services import Services


@pytest.fixture
def api(stack: Services, database: Database) -> Iterator[Api]:
    with running_api(stack, database) as running:
        yield running

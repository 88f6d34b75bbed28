"""A conversation per test, heard by the real recogniser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.recognition.offline import OfflineRecognizer
from tests.conftest import Database
from tests.support.api import running_api
from tests.support.services import Services
from tests.support.talking import Talk, begin


@pytest.fixture
def talk(stack: Services, database: Database, offline: OfflineRecognizer) -> Iterator[Talk]:
    with running_api(stack, database) as api:
        yield begin(api, offline)
